import { expect, test } from 'vitest';
import { readProviderLimits } from './provider-limits.ts';

const NOW_MS = Date.parse('2026-11-26T08:00:00Z');

test("OpenAI's limits are read, with durations as Go writes them", () => {
  const read = (reset: string): number | undefined =>
    readProviderLimits(
      {
        'x-ratelimit-limit-requests': '500',
        'x-ratelimit-remaining-requests': '499',
        'x-ratelimit-reset-requests': reset,
      },
      NOW_MS,
    )?.requests?.resetMs;
  expect(read('6m0s')).toBe(360_000);
  expect(read('17ms')).toBe(17);
  expect(read('1.5s')).toBe(1500);
  expect(read('1h2m3s')).toBe(3_723_000);
  expect(read('1s20ms')).toBe(1020);
  expect(read('30')).toBe(30_000);
  expect(read('soon')).toBeUndefined();
});

test("Anthropic's limits are read, with the moment of their reset", () => {
  const limits = readProviderLimits(
    {
      'anthropic-ratelimit-requests-limit': '4000',
      'anthropic-ratelimit-requests-remaining': '3999',
      'anthropic-ratelimit-requests-reset': '2026-11-26T08:00:30Z',
      'anthropic-ratelimit-tokens-limit': '400000',
      'anthropic-ratelimit-tokens-remaining': '0',
    },
    NOW_MS,
  );
  expect(limits).toEqual({
    requests: { limit: 4000, remaining: 3999, resetMs: 30_000 },
    tokens: { limit: 400_000, remaining: 0, resetMs: undefined },
  });
});

test('a reply that states no limit, half of one, or none by zero says nothing', () => {
  expect(readProviderLimits({}, NOW_MS)).toBeUndefined();
  expect(readProviderLimits({ 'x-ratelimit-remaining-requests': '9999' }, NOW_MS)).toBeUndefined();
  const none = { 'x-ratelimit-limit-tokens': '0', 'x-ratelimit-remaining-tokens': '0' };
  expect(readProviderLimits(none, NOW_MS)).toBeUndefined();
  const odd = { 'x-ratelimit-limit-tokens': '-5', 'x-ratelimit-remaining-tokens': 'many' };
  expect(readProviderLimits(odd, NOW_MS)).toBeUndefined();
});
