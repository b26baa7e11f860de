import { expect, test } from 'vitest';
import { usageOf } from '../model/usage.ts';
import { estimatedCallTokens, usedTokens } from './token-estimate.ts';

const SIZE = { endpoint: 'chat', bodyBytes: 401, maxOutputTokens: 50, samples: 1 } as const;

test('a call is estimated by its bytes and its output limit for each sample', () => {
  expect(estimatedCallTokens(SIZE)).toBe(151);
  expect(estimatedCallTokens({ ...SIZE, samples: 3 })).toBe(251);
  expect(estimatedCallTokens({ ...SIZE, maxOutputTokens: undefined })).toBe(101 + 1024);
});

test('embeddings have no output, and counting tokens uses none', () => {
  expect(estimatedCallTokens({ ...SIZE, endpoint: 'embeddings' })).toBe(101);
  expect(estimatedCallTokens({ ...SIZE, endpoint: 'count-tokens' })).toBe(0);
});

test('an output limit beyond all models is not believed', () => {
  expect(estimatedCallTokens({ ...SIZE, maxOutputTokens: Number.MAX_SAFE_INTEGER })).toBe(10_000_000);
});

test('used is what went in, cached or not, and what came out, of all attempts', () => {
  const usage = usageOf({ input: 1, cacheRead: 2, cacheWrite5m: 4, output: 8, reasoning: 8, webSearch: 100 });
  expect(usedTokens([usage, usageOf({ output: 16 })])).toBe(31);
});
