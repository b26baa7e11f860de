import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { DEFAULT_MEMO_BYTES, memoizingCount } from './memoizing-count.ts';

test('a text that comes again is not counted again', () => {
  const count = vi.fn<(text: string) => number>((text) => text.length);
  const memoizing = memoizingCount(count);
  const text = 'what was said before. '.repeat(20);
  expect(memoizing(text)).toBe(text.length);
  expect(memoizing(text)).toBe(text.length);
  expect(count).toHaveBeenCalledOnce();
  expect(memoizing(`${text}!`)).toBe(text.length + 1);
});

test('a short text is counted each time, and 0 tokens are remembered like any number', () => {
  const count = vi.fn<(text: string) => number>(() => 0);
  const memoizing = memoizingCount(count, { minUnits: 10 });
  for (const text of ['123456789', '123456789', '1234567890', '1234567890']) expect(memoizing(text)).toBe(0);
  expect(count).toHaveBeenCalledTimes(3);
});

test('what is remembered is bounded, and what comes again and again stays', () => {
  const count = vi.fn<(text: string) => number>((text) => text.length);
  const memoizing = memoizingCount(count, { maxBytes: 18_000, minUnits: 1 });
  for (let index = 0; index < 1000; index += 1) {
    memoizing('the system prompt');
    memoizing(`text ${index}`);
  }
  expect(count).toHaveBeenCalledTimes(1001);
  count.mockClear();
  for (let index = 999; index >= 0; index -= 1) memoizing(`text ${index}`);
  expect(count.mock.calls.length).toBeGreaterThanOrEqual(900);
  expect(count.mock.calls.length).toBeLessThan(1000);
});

test('the memo takes no more than its bound, however many texts there were and however long they are', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const memoizing = memoizingCount((text) => text.length);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 50_000; index += 1) memoizing(`${index} `.repeat(60));
  for (let index = 0; index < 200; index += 1) memoizing(`${index}`.padEnd(1_000_000, 'x').slice(0, 500_000));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(DEFAULT_MEMO_BYTES);
  expect(memoizing('x'.repeat(300))).toBe(300);
});
