import { expect, test } from 'vitest';
import { limitStoreConformance } from '../../testing/limit-store-conformance.ts';
import { MemoryLimitStore } from './memory-limit-store.ts';

// One process: both hands are on the same store.
const open = async (count: number): Promise<readonly MemoryLimitStore[]> => {
  const store = new MemoryLimitStore();
  return Array.from({ length: count }, () => store);
};

test.each(limitStoreConformance(open))('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});

test('what is full again or lapsed is forgotten, and what is not is kept', async () => {
  const store = new MemoryLimitStore();
  const terms = { capacity: 10, perMinute: 60 };
  const permit = { ownerId: 'a', count: 1, limit: 1, leaseMs: 1000 };
  await store.take('old', terms, { want: 10, least: 10, nowMs: 0 });
  await store.hold('old', { ...permit, nowMs: 0 });
  await store.take('new', terms, { want: 10, least: 10, nowMs: 60_000 });
  await store.hold('new', { ...permit, nowMs: 60_000 });
  for (let index = 0; index < 1000; index += 1) void store.take('often', terms, { want: 1, least: 1, nowMs: 60_000 });
  expect((await store.take('new', terms, { want: 1, least: 1, nowMs: 60_000 })).granted).toBe(0);
  expect(await store.hold('new', { ...permit, ownerId: 'b', nowMs: 60_000 })).toBe(0);
  expect(await store.hold('old', { ...permit, ownerId: 'b', nowMs: 60_000 })).toBe(1);
});
