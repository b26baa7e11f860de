import { expect, test } from 'vitest';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { PrefixWriters } from './prefix-writers.ts';

const CLOCK = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const CHAIN = [
  { key: 'a', tokens: 5000 },
  { key: 'b', tokens: 5000 },
  { key: 'c', tokens: 5000 },
];
const TERMS = { writeRatio: 1.25, readRatio: 0.1, maxWaitMs: 1000 };

interface Asking {
  readonly name: string;
  readonly turn: Promise<number>;
  readonly controller: AbortController;
}

function ask(writers: PrefixWriters, maxWaitMs: number, writeFrom = 0, writeUntil = 3): Asking {
  const controller = new AbortController();
  const name = writers.name('call');
  const { signal } = controller;
  const turn = writers.turn({ name, chain: CHAIN, writeFrom, writeUntil, terms: { ...TERMS, maxWaitMs }, signal });
  return { name, turn, controller };
}

test('two attempts of one call have names of their own', () => {
  const writers = new PrefixWriters(CLOCK);
  expect(writers.name('call')).not.toBe(writers.name('call'));
});

test('those that wait read when the writer has begun', async () => {
  const writers = new PrefixWriters(CLOCK);
  const first = ask(writers, 1000);
  expect(await first.turn).toBe(3);
  const others = Array.from({ length: 50 }, () => ask(writers, 60_000, 3));
  writers.begun(first.name);
  expect(await Promise.all(others.map(({ turn }) => turn))).toEqual(others.map(() => 3));
  for (const { name } of [first, ...others]) writers.over(name);
  expect(writers.size).toBe(0);
});

test('where the writer fails, the one that has waited longest writes, and the others wait for it', async () => {
  const writers = new PrefixWriters(CLOCK);
  const first = ask(writers, 60_000);
  const [second, third] = [ask(writers, 60_000, 3), ask(writers, 60_000, 3)];
  let thirdGoes = false;
  void third.turn.then(() => (thirdGoes = true));
  writers.over(first.name);
  expect(await second.turn).toBe(3);
  expect(thirdGoes).toBe(false);
  writers.begun(second.name);
  expect(await third.turn).toBe(3);
  for (const { name } of [second, third]) writers.over(name);
  expect(writers.size).toBe(0);
});

test('one that is left by its client just as it becomes the writer hands the prefix on', async () => {
  const writers = new PrefixWriters(CLOCK);
  const first = ask(writers, 60_000);
  await first.turn;
  const [second, third] = [ask(writers, 60_000, 3), ask(writers, 60_000, 3)];
  writers.over(first.name);
  second.controller.abort();
  await second.turn;
  writers.over(second.name);
  expect(await third.turn).toBe(3);
  writers.over(third.name);
  expect(writers.size).toBe(0);
});

test('a writer that hangs holds nobody up for longer than the wait, however many prefixes are in flight', async () => {
  const writers = new PrefixWriters(CLOCK);
  const hanging = [ask(writers, 60_000, 0, 1), ask(writers, 0, 1, 2), ask(writers, 0, 2, 3)];
  const startedAt = performance.now();
  expect(await ask(writers, 30, 3).turn).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(5000);
  for (const { name } of hanging) writers.over(name);
  expect(writers.size).toBe(0);
});

test('whatever becomes of attempts, nobody hangs and nothing of them is kept', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = seededRandom(seed);
    const writers = new PrefixWriters(CLOCK);
    const ends: Promise<void>[] = [];
    for (let call = 0; call < 40; call += 1) {
      const writeFrom = Math.floor(random.fraction() * 4);
      const writeUntil = writeFrom + Math.floor(random.fraction() * (4 - writeFrom));
      const asking = ask(writers, random.fraction() * 4, writeFrom, writeUntil);
      const fate = random.fraction();
      ends.push(
        (async () => {
          if (fate < 0.3) setImmediate(() => asking.controller.abort());
          await asking.turn;
          if (fate > 0.2 && fate < 0.7) writers.begun(asking.name);
          if (fate > 0.5) await new Promise((resolve) => setImmediate(resolve));
          writers.over(asking.name);
        })(),
      );
      // oxlint-disable-next-line no-await-in-loop -- some come together, some after another
      if (random.fraction() < 0.3) await new Promise((resolve) => setImmediate(resolve));
    }
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(ends);
    expect(writers.size).toBe(0);
  }
});
