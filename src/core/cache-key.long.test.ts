import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cacheKey, cacheScope } from './cache-key.ts';

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
