import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { COUNTS_KEY, type Counter, CountingStage, storedText } from '../../test/support/counting-learner.ts';
import { hasRedis, RedisServer } from '../../test/support/redis-server.ts';
import type { StateStore } from '../ports/state-store.ts';
import { RedisConnection } from '../stores/redis/redis-connection.ts';
import { RedisStateStore } from '../stores/redis/redis-state-store.ts';

const INTERVAL_MS = 10_000;

let stage: CountingStage;

beforeEach(() => {
  stage = new CountingStage();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('writes', () => {
  test('what changes often is written at once and then once in an interval', async () => {
    vi.useFakeTimers();
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    const elapse = async (ms: number): Promise<void> => {
      stage.clock.advance(ms);
      await vi.advanceTimersByTimeAsync(ms);
    };
    for (let second = 0; second < 35; second += 1) {
      counter.see('a');
      await elapse(1000);
    }
    expect(store.writes).toBe(4);
    await elapse(INTERVAL_MS);
    expect(store.writes).toBe(5);
    expect(await storedText(store)).toBe('{"a":35}');
    await elapse(INTERVAL_MS * 10);
    expect(store.writes).toBe(5);
  });

  test('nothing is written where nothing was learnt, by a save or at the end', async () => {
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    await counter.states.load();
    await counter.kept.save();
    await counter.states.close();
    expect(store.writes).toBe(0);
  });

  test('of two writes at a time the second waits for the first', async () => {
    const store = stage.newStore();
    const sent: string[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const write = store.write.bind(store);
    store.write = async (key, value, terms) => {
      sent.push(value);
      await gate;
      return write(key, value, terms);
    };
    const counter = stage.newCounter(store);
    counter.see('a');
    const first = counter.kept.save();
    await expect.poll(() => sent).toEqual(['{"a":1}']);
    counter.see('a');
    const second = counter.kept.save();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(sent).toEqual(['{"a":1}']);
    open();
    await Promise.all([first, second]);
    expect(sent).toEqual(['{"a":1}', '{"a":2}']);
  });

  test('the end writes what waits for its interval, and nothing is written after it', async () => {
    vi.useFakeTimers();
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    counter.see('a');
    await counter.kept.save();
    counter.see('a');
    await counter.states.close();
    expect(await storedText(store)).toBe('{"a":2}');
    counter.see('a');
    await vi.advanceTimersByTimeAsync(INTERVAL_MS * 2);
    await counter.states.close();
    expect(store.writes).toBe(2);
  });

  test('a write that waits keeps no process alive', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const counter = stage.newCounter(stage.newStore());
    counter.see('a');
    expect(timers()).toBe(before);
  });

  test('a state lives as long as its learner says', async () => {
    const store = stage.newStore();
    const counter = stage.newCounter(store, { ttlMs: 1000 });
    counter.see('a');
    await counter.kept.save();
    stage.clock.advance(999);
    expect(await storedText(store)).toBe('{"a":1}');
    stage.clock.advance(1);
    expect(await storedText(store)).toBeUndefined();
  });
});

describe('faults', () => {
  test('an outage is told of once, and what was learnt in it is written after it', async () => {
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    store.trouble = 'fails';
    await counter.states.load();
    for (let round = 0; round < 3; round += 1) {
      counter.see('a');
      await counter.kept.save();
    }
    expect(stage.faults).toEqual(['states:read']);
    store.trouble = 'none';
    await counter.kept.save();
    expect(await storedText(store)).toBe('{"a":3}');
    store.trouble = 'fails';
    counter.see('a');
    await counter.kept.save();
    expect(stage.faults).toEqual(['states:read', 'states:write']);
  });

  test('a store that can be read and not written is one outage', async () => {
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    store.trouble = 'write-fails';
    for (let round = 0; round < 4; round += 1) {
      counter.see('a');
      await counter.kept.save();
    }
    expect(stage.faults).toEqual(['states:write']);
  });

  test('a failed write is tried again after an interval without anything new', async () => {
    vi.useFakeTimers();
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    store.trouble = 'fails';
    counter.see('a');
    await vi.advanceTimersByTimeAsync(1);
    store.trouble = 'none';
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(await storedText(store)).toBe('{"a":1}');
  });

  test('a write whose answer was lost is not counted twice', async () => {
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    counter.see('a', 5);
    store.trouble = 'answer-lost';
    await counter.kept.save();
    expect(await storedText(store)).toBe('{"a":5}');
    store.trouble = 'none';
    counter.see('a');
    await counter.kept.save();
    expect(await storedText(store)).toBe('{"a":6}');
    expect(counter.counts).toEqual({ a: 6 });
  });

  test('a write that comes late, after the process has looked for it, is not counted twice', async () => {
    const store = stage.newStore();
    const late: (() => Promise<unknown>)[] = [];
    let isLate = false;
    const slow: StateStore = {
      read: (key) => store.read(key),
      readAll: (namespace) => store.readAll(namespace),
      remove: (key) => store.remove(key),
      close: () => store.close(),
      write: async (key, value, terms) => {
        if (isLate) {
          late.push(() => store.write(key, value, terms));
          throw new Error('no answer');
        }
        for (const write of late.splice(0)) {
          // oxlint-disable-next-line no-await-in-loop -- in the order in which they were sent
          await write();
        }
        return store.write(key, value, terms);
      },
    };
    const counter = stage.newCounter(slow);
    await counter.states.load();
    isLate = true;
    for (let round = 0; round < 3; round += 1) {
      counter.see('a');
      // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
      await counter.kept.save();
    }
    isLate = false;
    counter.see('a');
    await counter.kept.save();
    expect(await storedText(store)).toBe('{"a":4}');
    expect(counter.counts).toEqual({ a: 4 });
  });

  test('a write whose answer was lost before a long outage is not counted twice', async () => {
    const store = stage.newStore();
    const counter = stage.newCounter(store);
    counter.see('a');
    store.trouble = 'answer-lost';
    await counter.kept.save();
    store.trouble = 'fails';
    for (let round = 0; round < 10; round += 1) {
      counter.see('a');
      // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
      await counter.kept.save();
    }
    store.trouble = 'none';
    await counter.kept.save();
    expect(await storedText(store)).toBe('{"a":11}');
  });

  test('a store that hangs holds up neither start nor end, and what comes late is taken', async () => {
    vi.useFakeTimers();
    const store = stage.newStore();
    await store.write(COUNTS_KEY, '{"a":3}', { ttlMs: 60_000 });
    let answer = (): void => undefined;
    const slow: StateStore = {
      read: async (key) => {
        await new Promise<void>((resolve) => (answer = resolve));
        return store.read(key);
      },
      readAll: (namespace) => store.readAll(namespace),
      write: () => new Promise(() => undefined),
      remove: (key) => store.remove(key),
      close: () => store.close(),
    };
    const counter = stage.newCounter(slow);
    const loading = counter.states.load();
    await vi.advanceTimersByTimeAsync(250);
    await loading;
    counter.see('a');
    expect(counter.counts).toEqual({ a: 1 });
    answer();
    await vi.advanceTimersByTimeAsync(1);
    expect(counter.counts).toEqual({ a: 4 });
    const closing = counter.states.close();
    await vi.advanceTimersByTimeAsync(2000);
    await closing;
    await vi.advanceTimersByTimeAsync(5000);
    expect(stage.faults).toEqual(['states:write']);
  });

  test.each(['no JSON', '[]', '{"a":"many"}'])(
    'a stored state that is none (%s) is told of and overwritten',
    async (text) => {
      const store = stage.newStore();
      await store.write(COUNTS_KEY, text, { ttlMs: 60_000 });
      const counter = stage.newCounter(store);
      await counter.states.load();
      expect(stage.faults).toEqual(['states:parse']);
      counter.see('a');
      await counter.kept.save();
      expect(await storedText(store)).toBe('{"a":1}');
      expect(stage.faults).toEqual(['states:parse']);
    },
  );

  test('a learner that throws is told of as a fault of ours, and later writes go on', async () => {
    const store = stage.newStore();
    let isBroken = true;
    const counter: Counter = stage.newCounter(store, {
      snapshot: () => {
        if (isBroken) throw new Error('a bug');
        return counter.counts;
      },
    });
    counter.see('a');
    await counter.kept.save();
    expect(stage.faults).toEqual(['internal-fault']);
    isBroken = false;
    counter.see('a');
    await counter.kept.save();
    expect(await storedText(store)).toBe('{"a":2}');
  });
});

test.skipIf(!hasRedis())(
  'processes on a Redis that hangs go on learning, and know the same when it answers again',
  async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.close());
    const connections = await Promise.all([1, 2].map(() => RedisConnection.open({ url: server.url, timeoutMs: 300 })));
    onTestFinished(async () => void (await Promise.all(connections.map((connection) => connection.close()))));
    const [one, two] = connections.map((connection) => stage.newCounter(new RedisStateStore({ connection })));
    if (one === undefined || two === undefined) throw new Error('two connections make two processes');
    await Promise.all([one.states.load(), two.states.load()]);
    one.see('a');
    await one.kept.save();
    server.freeze();
    one.see('a');
    two.see('a', 5);
    await Promise.all([one.kept.save(), two.kept.save()]);
    expect([one.counts, two.counts]).toEqual([{ a: 2 }, { a: 5 }]);
    expect(stage.faults).toEqual(['states:write', 'states:write']);
    server.thaw();
    const settle = async (): Promise<readonly unknown[]> => {
      for (const { kept } of [one, two, one]) {
        kept.changed();
        // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
        await kept.save();
      }
      return [one.counts, two.counts];
    };
    await expect.poll(settle, { timeout: 10_000 }).toEqual([{ a: 7 }, { a: 7 }]);
  },
);
