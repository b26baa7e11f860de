import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { BatchItem } from './batch-item.ts';
import { ItemSource } from './item-source.ts';

// oxlint-disable-next-line require-await -- a stream in a test
async function* prompts(count: number): AsyncGenerator<BatchItem> {
  for (let index = 0; index < count; index += 1) yield { prompt: `number ${index}` };
}

/** Collects what nothing holds. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  await nextTurn();
  collect();
}

test('what has been read is not held on to', async () => {
  const source = new ItemSource(prompts(200), new AbortController().signal);
  const read: WeakRef<object>[] = [];
  for (let next = await source.next(); next !== undefined; next = await source.next()) {
    read.push(new WeakRef(next.item as object));
  }
  await collectGarbage();
  expect(read).toHaveLength(200);
  // The last one may still be in a register.
  expect(read.filter((item) => item.deref() !== undefined).length).toBeLessThan(5);
  await source.close();
});

test('a stop ends the wait for an item that does not come, and every wait after it', async () => {
  const stop = new AbortController();
  // oxlint-disable-next-line require-yield -- none ever comes
  async function* never(): AsyncGenerator<BatchItem> {
    await new Promise(() => undefined);
  }
  const source = new ItemSource(never(), stop.signal);
  const waiting = source.next();
  stop.abort();
  expect([await waiting, await source.next()]).toEqual([undefined, undefined]);
  await source.close();
});

test('what the items throw is thrown, and nothing is left waiting', async () => {
  // oxlint-disable-next-line require-yield, require-await -- it fails at once
  async function* broken(): AsyncGenerator<BatchItem> {
    throw new Error('no more');
  }
  await expect(new ItemSource(broken(), new AbortController().signal).next()).rejects.toThrow('no more');
});
