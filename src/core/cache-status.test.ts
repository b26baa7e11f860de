import { expect, test } from 'vitest';
import { formatCacheStatus } from './cache-status.ts';
import type { CacheKey } from './model/cache-entry.ts';

const key = 'ab12'.repeat(16) as CacheKey;

test.each([
  ['Farthing; hit; ttl=3540; key="ab12ab12ab12ab12"', { kind: 'hit', ttlMs: 3_540_999, key }],
  ['Farthing; hit; ttl=-1; detail=stale-if-error', { kind: 'stale-hit', ttlMs: -1, key: undefined }],
  ['Farthing; fwd=bypass; detail=sampling', { kind: 'forward', reason: 'bypass', detail: 'sampling' }],
  ['Farthing; fwd=miss; fwd-status=200; stored', { kind: 'forward', reason: 'miss', forwardStatus: 200, stored: true }],
  ['Farthing; fwd=miss; collapsed', { kind: 'forward', reason: 'miss', collapsed: true, stored: false }],
  ['Farthing; fwd=stale; key="ab12ab12ab12ab12"', { kind: 'forward', reason: 'stale', key }],
] as const)('%s', (text, facts) => {
  expect(formatCacheStatus(facts)).toBe(text);
});
