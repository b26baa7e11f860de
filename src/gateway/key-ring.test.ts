import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeKeyStore, KEY, keyRecord } from '../../test/gateway/gateway-fixture.ts';
import type { Clock } from '../ports/clock.ts';
import { KeyRing } from './key-ring.ts';

let nowMs: number;
let faults: string[];
let store: FakeKeyStore;
let ring: KeyRing;
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };

beforeEach(async () => {
  nowMs = 1000;
  faults = [];
  store = new FakeKeyStore([keyRecord(KEY, { allowedModels: ['house'], pinnedTags: { user: 'alice' } })]);
  ring = new KeyRing({
    configured: [keyRecord('fk-configured', { keyId: 'config:demo', project: 'demo' })],
    store,
    clock,
    onFault: (operation) => faults.push(operation),
    pollMs: 3_600_000,
  });
  await ring.poll();
});
afterEach(() => ring.close());

describe('a key of the store', () => {
  test('is looked up once and then known', async () => {
    expect(ring.peek(KEY)).toBeUndefined();
    const caller = await ring.find(KEY);
    expect(caller).toMatchObject({ project: 'tests', allowedModels: ['house'], pinnedTags: { user: 'alice' } });
    expect(ring.peek(KEY)).toBe(caller);
    expect(store.lookups).toBe(1);
  });

  test('that was revoked is refused from the next poll on', async () => {
    await ring.find(KEY);
    await store.put(keyRecord(KEY, { revokedAtMs: 900 }));
    await ring.poll();
    expect(ring.peek(KEY)).toBeUndefined();
    expect(await ring.find(KEY)).toBeUndefined();
  });

  test('stops at its end without a poll', async () => {
    await store.put(keyRecord(KEY, { expiresAtMs: 2000 }));
    await ring.poll();
    nowMs = 1999;
    expect(await ring.find(KEY)).toMatchObject({ project: 'tests' });
    nowMs = 2000;
    expect(ring.peek(KEY)).toBeUndefined();
    expect(await ring.find(KEY)).toBeUndefined();
  });

  test('read before a revocation that was seen meanwhile is not kept', async () => {
    const finding = ring.find(KEY);
    await store.put(keyRecord('another'));
    await ring.poll();
    await finding;
    expect(ring.peek(KEY)).toBeUndefined();
  });
});

test('a key of the configuration needs no store', async () => {
  store.trouble = 'fails';
  expect(await ring.find('fk-configured')).toMatchObject({ project: 'demo', keyId: 'config:demo' });
  expect(store.lookups).toBe(0);
});

test('what is not a key is asked for each time and never kept', async () => {
  expect(await ring.find('fk-nobody')).toBeUndefined();
  expect(await ring.find('fk-nobody')).toBeUndefined();
  expect(store.lookups).toBe(2);
});

describe('a store in trouble', () => {
  test('that fails empties the memory, and calls are refused until it answers', async () => {
    await ring.find(KEY);
    store.trouble = 'fails';
    await ring.poll();
    expect(ring.peek(KEY)).toBeUndefined();
    await expect(ring.find(KEY)).rejects.toMatchObject({ code: 'store-unavailable', status: 503 });
    expect(faults).toEqual(['version', 'find']);
    store.trouble = 'none';
    expect(await ring.find(KEY)).toMatchObject({ project: 'tests' });
    expect(ring.peek(KEY)).toBeUndefined(); // not kept before a version was seen again
    await ring.poll();
    await ring.find(KEY);
    expect(ring.peek(KEY)).toMatchObject({ project: 'tests' });
  });

  test('that hangs empties the memory after some polls', async () => {
    await ring.find(KEY);
    store.trouble = 'hangs';
    void ring.poll();
    await ring.poll();
    expect(ring.peek(KEY)).toMatchObject({ project: 'tests' });
    await ring.poll();
    expect(ring.peek(KEY)).toBeUndefined();
  });
});

test('10,000 further keys push the first one out, not the memory up', async () => {
  await ring.find(KEY);
  const secrets = Array.from({ length: 10_000 }, (_, index) => `fk-${index}`);
  store.trusts = secrets;
  await Promise.all(secrets.map((secret) => ring.find(secret)));
  expect(ring.peek(KEY)).toBeUndefined();
  expect(ring.peek('fk-9999')).toMatchObject({ project: 'tests' });
});
