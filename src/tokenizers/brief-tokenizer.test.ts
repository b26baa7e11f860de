import { afterEach, expect, test, vi } from 'vitest';
import { briefTokenizer } from './brief-tokenizer.ts';

afterEach(() => void vi.useRealTimers());

test('a vocabulary is kept while it is asked for, and let go after a while', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const first = briefTokenizer('o200k_base');
  expect((await first).count('Hello there')).toBe(2);
  vi.advanceTimersByTime(4000);
  expect(briefTokenizer('o200k_base')).toBe(first);
  vi.advanceTimersByTime(4000);
  expect(briefTokenizer('o200k_base')).toBe(first);
  vi.advanceTimersByTime(6000);
  const later = briefTokenizer('o200k_base');
  expect(later).not.toBe(first);
  expect((await later).count('Hello there')).toBe(2);
});
