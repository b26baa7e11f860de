import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { repeatedUsage } from './baseline-usage.ts';
import { inputTokensOf, outputTokensOf, USAGE_BUCKETS, usageOf } from './model/usage.ts';
import { modelFacts, type PromptCacheRegime } from './model-catalogue.ts';

const MINUTE_MS = 60_000;

function regimeOf(vendor: string, model: string): PromptCacheRegime {
  const regime = modelFacts(vendor, model)?.promptCache;
  if (regime === undefined) throw new Error(`no regime: ${model}`);
  return regime;
}

const blocks = regimeOf('openai', 'gpt-4o');
const exact = regimeOf('openai', 'gpt-5.6-sol');
const claude = regimeOf('anthropic', 'claude-sonnet-5');

describe('an implicit cache', () => {
  test('reads whole blocks; the last token is always new', () => {
    expect(repeatedUsage(usageOf({ input: 2_000, output: 9 }), blocks, 0)).toEqual(
      usageOf({ input: 80, cacheRead: 1_920, output: 9 }),
    );
    expect(repeatedUsage(usageOf({ input: 2_048 }), blocks, 0)).toEqual(usageOf({ input: 128, cacheRead: 1_920 }));
  });

  test('from GPT-5.6 on reads to the token, and a write becomes a read', () => {
    expect(repeatedUsage(usageOf({ input: 100, cacheWrite30m: 1_900 }), exact, 0)).toEqual(
      usageOf({ input: 1, cacheRead: 1_999 }),
    );
  });

  test('does nothing below the minimum or past its life', () => {
    const short = usageOf({ input: 1_023 });
    expect(repeatedUsage(short, blocks, 0)).toBe(short);
    const long = usageOf({ input: 5_000 });
    expect(repeatedUsage(long, exact, 30 * MINUTE_MS)).not.toBe(long);
    expect(repeatedUsage(long, exact, 30 * MINUTE_MS + 1)).toBe(long);
  });

  test('takes images and sound with it', () => {
    expect(repeatedUsage(usageOf({ input: 10, inputImage: 1_500, inputAudio: 500 }), exact, 0)).toEqual(
      usageOf({ input: 1, cacheRead: 9, cacheReadImage: 1_500, cacheReadAudio: 500 }),
    );
  });

  test('never gives back what the provider had read already', () => {
    const usage = usageOf({ input: 3, cacheRead: 2_045 });
    expect(repeatedUsage(usage, blocks, 0)).toEqual(usage);
  });
});

describe('an explicit cache', () => {
  test('reads what was marked: written and read before, nothing else', () => {
    const usage = usageOf({ input: 3_000, cacheRead: 500, cacheWrite5m: 1_000, cacheWrite1h: 2_000, output: 7 });
    expect(repeatedUsage(usage, claude, MINUTE_MS)).toEqual(usageOf({ input: 3_000, cacheRead: 3_500, output: 7 }));
  });

  test('five-minute writes are written again after five minutes, one-hour writes after an hour', () => {
    const usage = usageOf({ cacheWrite5m: 1_000, cacheWrite1h: 2_000 });
    expect(repeatedUsage(usage, claude, 5 * MINUTE_MS)).toEqual(usageOf({ cacheRead: 3_000 }));
    expect(repeatedUsage(usage, claude, 5 * MINUTE_MS + 1)).toEqual(usageOf({ cacheRead: 2_000, cacheWrite5m: 1_000 }));
    expect(repeatedUsage(usage, claude, 60 * MINUTE_MS + 1)).toBe(usage);
  });

  test('a prompt without marks is never cached', () => {
    const usage = usageOf({ input: 50_000 });
    expect(repeatedUsage(usage, claude, 0)).toEqual(usage);
  });
});

test('a model without a prompt cache repeats as it was', () => {
  const usage = usageOf({ input: 50_000 });
  expect(repeatedUsage(usage, undefined, 0)).toBe(usage);
});

test('input and output totals are kept, no bucket turns negative, reads never shrink within their life', () => {
  const counts = fc.record(Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, fc.nat(5_000)])));
  const since = fc.nat(2 * 60 * MINUTE_MS);
  fc.assert(
    fc.property(counts, fc.constantFrom(blocks, exact, claude, undefined), since, (buckets, regime, sinceMs) => {
      const before = usageOf(buckets);
      const after = repeatedUsage(before, regime, sinceMs);
      expect(inputTokensOf(after)).toBe(inputTokensOf(before));
      expect(outputTokensOf(after)).toBe(outputTokensOf(before));
      expect(USAGE_BUCKETS.every((bucket) => after[bucket] >= 0)).toBe(true);
      expect(after.cacheRead).toBeGreaterThanOrEqual(before.cacheRead);
      expect(after.webSearch).toBe(before.webSearch);
    }),
  );
});
