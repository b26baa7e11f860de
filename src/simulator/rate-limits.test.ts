import { expect, test } from 'vitest';
import { RateLimits } from './rate-limits.ts';

const ASKED = { protocol: 'openai' as const, inputTokens: 100, maxTokens: 400 };

test('a minute holds its requests, and the next is let in when its share is refilled', () => {
  const limits = new RateLimits({ requestsPerMinute: 60 });
  for (let index = 0; index < 60; index += 1) expect(limits.admit('a', ASKED, 0).kind).toBe('admitted');
  expect(limits.admit('a', ASKED, 0)).toEqual({ kind: 'limited', of: 'requests', retryAfterMs: 1000 });
  expect(limits.admit('a', ASKED, 400)).toEqual({ kind: 'limited', of: 'requests', retryAfterMs: 600 });
  expect(limits.admit('a', ASKED, 1000).kind).toBe('admitted');
  expect(limits.admit('b', ASKED, 0).kind).toBe('admitted');
  expect(limits.use()).toMatchObject({ limitErrors: 2, requests: 62, tokensUsedRatio: 0 });
});

test('OpenAI weighs the stated output limit and stays at it; Anthropic weighs what was taken in the end', () => {
  const openai = new RateLimits({ tokensPerMinute: 1000 });
  const reserved = openai.admit('a', ASKED, 0);
  expect(reserved).toMatchObject({ kind: 'admitted', tokens: 400 });
  openai.correct('a', reserved, 130, 0);
  expect(openai.headers('a', 'openai', 0)['x-ratelimit-remaining-tokens']).toBe('600');
  const anthropic = new RateLimits({ tokensPerMinute: 1000 });
  const admitted = anthropic.admit('a', { ...ASKED, protocol: 'anthropic' }, 0);
  expect(admitted).toMatchObject({ kind: 'admitted', tokens: 100 });
  anthropic.correct('a', admitted, 130, 0);
  expect(anthropic.headers('a', 'anthropic', 0)['anthropic-ratelimit-tokens-remaining']).toBe('870');
  expect(anthropic.use().tokens).toBe(130);
});

test('a request that is larger than a minute is never let in', () => {
  const limits = new RateLimits({ tokensPerMinute: 300 });
  expect(limits.admit('a', ASKED, 0).kind).toBe('limited');
  expect(limits.admit('a', ASKED, 1e9).kind).toBe('limited');
});

test('the headers are those of each protocol', () => {
  const limits = new RateLimits({ requestsPerMinute: 100, tokensPerMinute: 1000 });
  limits.admit('a', ASKED, 0);
  expect(limits.headers('a', 'openai', 0)).toEqual({
    'x-ratelimit-limit-requests': '100',
    'x-ratelimit-remaining-requests': '99',
    'x-ratelimit-reset-requests': '600ms',
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': '600',
    'x-ratelimit-reset-tokens': '24s',
  });
  expect(limits.headers('a', 'anthropic', 0)).toMatchObject({ 'anthropic-ratelimit-requests-remaining': '99' });
  expect(limits.resetHeaders('a', 0, Date.UTC(2026, 10, 23))).toEqual({
    'anthropic-ratelimit-requests-reset': '2026-11-23T00:00:01Z',
    'anthropic-ratelimit-tokens-reset': '2026-11-23T00:00:24Z',
  });
});

test('one who asks as fast as the limit refills uses nearly all of it without an error', () => {
  const limits = new RateLimits({ requestsPerMinute: 6000 });
  let nowMs = 0;
  for (let index = 0; index < 66_000; index += 1) {
    if (index >= 6000) nowMs += 10;
    limits.admit('a', ASKED, nowMs);
  }
  expect(limits.use().limitErrors).toBe(0);
  expect(limits.use().requestsUsedRatio).toBeCloseTo(1, 6);
});

test('a limit that is none is refused', () => {
  expect(() => new RateLimits({ requestsPerMinute: 0 })).toThrow('not a limit: 0');
  expect(() => new RateLimits({ tokensPerMinute: Number.NaN })).toThrow('not a limit');
});
