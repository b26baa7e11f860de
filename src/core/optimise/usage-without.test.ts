import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { inputTokensOf, type Usage, usageOf } from '../model/usage.ts';
import { withImplicitCache, withoutPromptCache, withRemovedTokens } from './usage-without.ts';

const usages = fc
  .record({
    input: fc.nat({ max: 1e6 }),
    cacheRead: fc.nat({ max: 1e6 }),
    cacheWrite5m: fc.nat({ max: 1e6 }),
    cacheWrite1h: fc.nat({ max: 1e6 }),
    output: fc.nat({ max: 1e6 }),
  })
  .map((counts): Usage => usageOf(counts));
const removals = fc.array(
  fc.record({ atRatio: fc.double({ min: 0, max: 1, noNaN: true }), tokens: fc.nat({ max: 1e5 }) }),
);

test('removed tokens are counted once each, as input, and nothing else changes', () => {
  fc.assert(
    fc.property(usages, removals, (usage, removed) => {
      const before = withRemovedTokens(usage, removed);
      const tokens = removed.reduce((sum, each) => sum + each.tokens, 0);
      expect(inputTokensOf(before)).toBe(inputTokensOf(usage) + tokens);
      expect(before.output).toBe(usage.output);
    }),
  );
});

test('a token that stood in what was read would have been read, in what was written written, else plain input', () => {
  const usage = usageOf({ cacheRead: 500, cacheWrite5m: 300, input: 200 });
  const removed = [
    { atRatio: 0.1, tokens: 1 },
    { atRatio: 0.6, tokens: 10 },
    { atRatio: 0.9, tokens: 100 },
  ];
  expect(withRemovedTokens(usage, removed)).toMatchObject({ cacheRead: 501, cacheWrite5m: 310, input: 300 });
});

test('without a prompt cache, and with an implicit one, the prompt is as long as it was', () => {
  fc.assert(
    fc.property(usages, fc.double({ min: 0, max: 1, noNaN: true }), (usage, seenRatio) => {
      const plain = withoutPromptCache(usage);
      expect(plain).toMatchObject({ input: inputTokensOf(usage), cacheRead: 0, cacheWrite5m: 0, output: usage.output });
      expect(inputTokensOf(withImplicitCache(usage, seenRatio, 1024))).toBe(inputTokensOf(usage));
    }),
  );
});

test('an implicit cache reads what was seen and writes the rest; of short prompts it keeps nothing', () => {
  const usage = usageOf({ input: 2000, output: 5 });
  expect(withImplicitCache(usage, 0.75, 1024)).toMatchObject({ input: 0, cacheRead: 1500, cacheWrite30m: 500 });
  expect(withImplicitCache(usage, 0.75, 4096)).toMatchObject({ input: 2000, cacheRead: 0, cacheWrite30m: 0 });
});
