import { expect, test } from 'vitest';
import type { Target } from '../../src/core/model/target.ts';
import { SessionTargets, type SessionTargetsOptions } from '../../src/middleware/route/session-targets.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { StateStore } from '../../src/ports/state-store.ts';
import { MemoryStateStore } from '../../src/stores/memory/memory-state-store.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const CHEAP: Target = { provider: 'openai', model: 'mini' };
const STRONG: Target = { provider: 'backup', model: 'openai/large' };
const HOUR_MS = 3_600_000;

interface Counts {
  reads: number;
  writes: string[];
}

function stage(isShared = true, overrides: Partial<StateStore> = {}) {
  const clock = new FakeClock();
  const memory = new MemoryStateStore({ clock });
  const counts: Counts = { reads: 0, writes: [] };
  const events: EngineEvent[] = [];
  const store: StateStore = {
    read: (key) => ((counts.reads += 1), memory.read(key)),
    readAll: (namespace) => memory.readAll(namespace),
    write: (key, value, terms) => (counts.writes.push(`${key} ${value}`), memory.write(key, value, terms)),
    remove: (key) => memory.remove(key),
    close: () => memory.close(),
    ...overrides,
  };
  const options: SessionTargetsOptions = { store, isShared, clock, events: { emit: (event) => events.push(event) } };
  return { clock, counts, events, options, memory, process: () => new SessionTargets(options) };
}

test('a conversation is where its last turn was, with the size of that and what was saved so far', async () => {
  const { process, clock } = stage();
  const sessions = process();
  expect(await sessions.find('a')).toBeUndefined();
  sessions.note('a', CHEAP, 1000, 500);
  clock.advance(5000);
  sessions.note('a', STRONG, 1300, -100);
  expect(await sessions.find('a')).toEqual({
    target: STRONG,
    promptTokens: 1300,
    atMs: clock.nowMs(),
    turns: 2,
    creditPicoUsd: 400,
  });
  expect(await sessions.find('b')).toBeUndefined();
});

test('another process finds it, and finds where it moved to', async () => {
  const { process, clock } = stage();
  const [one, other] = [process(), process()];
  one.note('a', CHEAP, 1000);
  expect((await other.find('a'))?.target).toEqual(CHEAP);
  clock.advance(2000);
  one.note('a', STRONG, 1100);
  expect((await other.find('a'))?.target).toEqual(STRONG);
});

test('what was noted here is newer than what the store has', async () => {
  const { process, clock } = stage();
  const [one, other] = [process(), process()];
  one.note('a', CHEAP, 1000);
  clock.advance(1);
  other.note('a', STRONG, 1000);
  clock.advance(1);
  one.note('a', CHEAP, 1000);
  clock.advance(2000);
  expect((await one.find('a'))?.target).toEqual(CHEAP);
});

test('the store is read once a second at most, and once in all where nobody else writes to it', async () => {
  const { process, clock, counts } = stage();
  const sessions = process();
  for (let count = 0; count < 5; count += 1) await sessions.find('a');
  expect(counts.reads).toBe(1);
  clock.advance(1001);
  await sessions.find('a');
  expect(counts.reads).toBe(2);

  const alone = stage(false);
  const own = alone.process();
  own.note('b', CHEAP, 10);
  for (let count = 0; count < 3; count += 1) {
    await own.find('a');
    await own.find('b');
    alone.clock.advance(60_000);
  }
  expect(alone.counts.reads).toBe(1);
});

test('a turn is written where it moved, grew by half or half of the life of what is stored is over; not else', () => {
  const { process, clock, counts } = stage();
  const sessions = process();
  const writes = (): number => counts.writes.length;
  sessions.note('a', CHEAP, 1000);
  expect(writes()).toBe(1);
  for (const tokens of [1100, 1300, 1500]) sessions.note('a', CHEAP, tokens);
  expect(writes()).toBe(1);
  sessions.note('a', CHEAP, 1501);
  expect(writes()).toBe(2);
  sessions.note('a', STRONG, 1502);
  expect(writes()).toBe(3);
  clock.advance(HOUR_MS / 2);
  sessions.note('a', STRONG, 1502);
  expect(writes()).toBe(4);
});

test('an idle conversation is forgotten, here and in the store', async () => {
  const { process, clock, memory } = stage();
  const sessions = process();
  sessions.note('a', CHEAP, 1000);
  clock.advance(HOUR_MS - 1);
  expect(await sessions.find('a')).toBeDefined();
  clock.advance(1);
  expect(await sessions.find('a')).toBeUndefined();
  expect(await memory.read('route-session/v1/a')).toBeUndefined();
  sessions.note('a', CHEAP, 1000);
  expect((await sessions.find('a'))?.turns).toBe(1);
});

test('a life of more than a day, or of none, is a programming mistake', () => {
  const { options } = stage();
  for (const idleMs of [0, -1, NaN, 24 * HOUR_MS + 1])
    expect(() => new SessionTargets({ ...options, idleMs })).toThrow(RangeError);
  expect(() => new SessionTargets({ ...options, idleMs: 24 * HOUR_MS })).not.toThrow();
});

test('a store that fails or says nonsense is as one that knows nothing, and is counted', async () => {
  const failing = stage(true, {
    read: () => Promise.reject(new Error('down')),
    write: () => Promise.reject(new Error('down')),
  });
  const sessions = failing.process();
  expect(await sessions.find('a')).toBeUndefined();
  sessions.note('a', CHEAP, 1000);
  failing.clock.advance(2000);
  expect((await sessions.find('a'))?.target).toEqual(CHEAP);
  expect(failing.events.map((event) => event.kind)).toEqual(['store-failed', 'store-failed', 'store-failed']);

  const { process, memory } = stage();
  for (const [index, value] of [
    '{',
    '1',
    'null',
    '{"target":"x"}',
    '{"target":5}',
    '{"target":"a/b","atMs":"x"}',
  ].entries()) {
    await memory.write(`route-session/v1/${index}`, value, { ttlMs: 1000 });
    expect(await process().find(String(index))).toBeUndefined();
  }
});

test('a call waits for a slow store for a quarter of a second', async () => {
  const { process } = stage(true, { read: () => new Promise(() => undefined) });
  const startMs = performance.now();
  expect(await process().find('a')).toBeUndefined();
  expect(performance.now() - startMs).toBeLessThan(2000);
});

test('nothing but hashes and figures is stored', () => {
  const { process, counts } = stage();
  process().note('0123abcd', CHEAP, 10);
  expect(counts.writes).toEqual([
    expect.stringMatching(
      /^route-session\/v1\/0123abcd \{"target":"openai\/mini","promptTokens":10,"atMs":\d+,"turns":1,"creditPicoUsd":0\}$/,
    ),
  ]);
});
