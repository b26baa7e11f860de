import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cacheKey, cacheScope } from './cache-key.ts';
import { comparePairs } from '../../test/support/cache-key-pairs.ts';

test('a million random calls and their near misses: a key is shared by the same calls only', () => {
  const { faults, collisions } = comparePairs(1_000_000, 20_261_126);
  expect(faults).toEqual([]);
  expect(collisions).toBe(0);
}, 600_000);

test('no two of a million scopes share a key for the same request', () => {
  const seen = new Set<string>();
  for (let number = 0; number < 1_000_000; number += 1) {
    const key = cacheKey(
      {
        scope: cacheScope(number % 2 === 0 ? 'project' : 'key', (number >> 1).toString(36)),
        endpoint: 'chat',
        target: { provider: 'openai', model: 'gpt-5.4-mini' },
        providerIdentity: 'https://api.openai.com/v1',
        policyFingerprint: '',
        headers: {},
        body: { messages: [{ role: 'user', content: 'Hello' }] },
        rawBody: '',
      },
      (data) => hash('sha256', data, 'hex'),
    );
    seen.add(key.slice(0, 32));
  }
  expect(seen.size).toBe(1_000_000);
}, 120_000);
