import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { COUNTS_KEY, CountingStage, parsedCounts, storedText } from '../../test/support/counting-learner.ts';
import type { StateStore } from '../ports/state-store.ts';
import { openSqliteStateStore } from '../stores/sqlite/sqlite-state-store.ts';

let stage: CountingStage;

beforeEach(() => {
  stage = new CountingStage();
});

describe('on one store', () => {
  test('a process that starts begins with what others have learnt before', async () => {
    const store = stage.newStore();
    const first = stage.newCounter(store);
    await first.states.load();
    first.see('a', 3);
    await first.states.close();
    const second = stage.newCounter(store);
    await second.states.load();
    expect(second.counts).toEqual({ a: 3 });
    second.see('a');
    await second.states.close();
    expect(await storedText(store)).toBe('{"a":4}');
  });

  test('what was learnt before the stored state came is added to it', async () => {
    const store = stage.newStore();
    await store.write(COUNTS_KEY, '{"a":3}', { ttlMs: 60_000 });
    const counter = stage.newCounter(store);
    const loading = counter.states.load();
    counter.see('a');
    await loading;
    await counter.kept.save();
    expect(counter.counts).toEqual({ a: 4 });
    expect(await storedText(store)).toBe('{"a":4}');
  });

  test('two processes that learn at the same time come to know the same', async () => {
    const store = stage.newStore();
    const [one, two] = [stage.newCounter(store), stage.newCounter(store)];
    await Promise.all([one.states.load(), two.states.load()]);
    one.see('a', 2);
    two.see('a', 5);
    two.see('b');
    await Promise.all([one.kept.save(), two.kept.save()]);
    one.see('c');
    await one.kept.save();
    two.see('c');
    await two.kept.save();
    expect(two.counts).toEqual({ a: 7, b: 1, c: 2 });
    expect(parsedCounts(JSON.parse((await storedText(store)) ?? ''))).toEqual({ a: 7, b: 1, c: 2 });
    expect(stage.events).toEqual([]);
  });

  test('in any order of learning, writing, faults and restarts nothing is counted twice, and all that is written stays', async () => {
    const step = fc.record({
      process: fc.nat({ max: 2 }),
      act: fc.constantFrom('see', 'see', 'see', 'save', 'save', 'save-both', 'load', 'restart', 'fails', 'answer-lost'),
      name: fc.constantFrom('a', 'b'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const store = stage.newStore();
        const counters = Array.from({ length: 3 }, () => stage.newCounter(store));
        const seen: Record<string, number> = {};
        const settle = async (process: number): Promise<void> => {
          // One whose last write has no known outcome looks first: nobody may write upon that before it has.
          await counters[process]?.kept.save();
          store.trouble = 'none';
          await counters[process]?.kept.save();
        };
        for (const [index, { process, act, name }] of steps.entries()) {
          // No two sums of different things are the same, so that one is never taken for the other.
          const count = 2 ** index;
          const counter = counters[process];
          const other = counters[(process + 1) % 3];
          if (act === 'see') {
            counter?.see(name, count);
            seen[name] = (seen[name] ?? 0) + count;
          } else if (act === 'load') await counter?.states.load();
          else if (act === 'save') await counter?.kept.save();
          else if (act === 'save-both') await Promise.all([counter?.kept.save(), other?.kept.save()]);
          else if (act === 'restart') {
            await counter?.states.close();
            counters[process] = stage.newCounter(store);
          } else {
            store.trouble = act;
            await settle(process);
          }
        }
        for (const counter of counters) {
          counter.see('end');
          await counter.kept.save();
        }
        expect(JSON.parse((await storedText(store)) ?? '')).toEqual({ ...seen, end: 3 });
        for (const counter of counters) await counter.states.close();
      }),
      { numRuns: 150 },
    );
  });

  test('a state that expired or was flushed is written again with what was shared', async () => {
    const store = stage.newStore();
    const [one, two] = [stage.newCounter(store), stage.newCounter(store)];
    one.see('a', 2);
    await one.kept.save();
    await two.states.load();
    await store.remove(COUNTS_KEY);
    one.see('a');
    two.see('a');
    await Promise.all([one.kept.save(), two.kept.save()]);
    expect(await storedText(store)).toBe('{"a":4}');
  });

  test('of others that are always faster a process is not defeated for long, and tries no more than five times in a row', async () => {
    const store = stage.newStore();
    let rivals = 12;
    const racing: StateStore = {
      read: (key) => store.read(key),
      readAll: (namespace) => store.readAll(namespace),
      remove: (key) => store.remove(key),
      close: () => store.close(),
      write: async (key, value, terms) => {
        if (rivals > 0) await store.write(key, `{"rival":${12 - (rivals -= 1)}}`, { ttlMs: 60_000 });
        return store.write(key, value, terms);
      },
    };
    const counter = stage.newCounter(racing);
    counter.see('a');
    await counter.kept.save();
    expect(rivals).toBe(7);
    await counter.kept.save();
    await counter.kept.save();
    expect(rivals).toBe(0);
    expect(await storedText(store)).toBe('{"a":1,"rival":12}');
    expect(stage.events).toEqual([]);
  });

  test('two learners are not kept under one key', () => {
    const counter = stage.newCounter(stage.newStore());
    expect(() =>
      counter.states.keep({
        key: COUNTS_KEY,
        snapshot: () => 1,
        adopt: () => undefined,
        merge: (one, other) => Math.max(one, other),
        parse: () => 1,
      }),
    ).toThrow(RangeError);
  });
});

test('two processes on a file of SQLite come to know the same, and a third one after they have ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-learnt-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const open = (): Promise<StateStore> => openSqliteStateStore({ path: join(folder, 'states.db'), clock: stage.clock });
  const stores = await Promise.all([open(), open()]);
  const counters = stores.map((store) => stage.newCounter(store));
  await Promise.all(counters.map(({ states }) => states.load()));
  for (let round = 0; round < 10; round += 1) {
    for (const counter of counters) counter.see(`${round % 3}`);
    await Promise.all(counters.map(({ kept }) => kept.save()));
  }
  await Promise.all(counters.map(({ states }) => states.close()));
  await Promise.all(stores.map((store) => store.close()));
  const store = await open();
  const later = stage.newCounter(store);
  await later.states.load();
  expect(later.counts).toEqual({ 0: 8, 1: 6, 2: 6 });
  await store.close();
  expect(stage.events).toEqual([]);
});
