import { deepEqual, equal, ok } from 'node:assert/strict';
import type { KeyRecord, KeyStore } from '../ports/key-store.ts';
import type { ConformanceCase } from './conformance-case.ts';

type KeyStoreRule = readonly [rule: string, check: (store: KeyStore) => Promise<void>];

function sampleKey(fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    keyId: 'key_0123456789abcdef',
    name: 'laptop',
    project: 'search',
    secretSha256: 'ab'.repeat(32),
    createdAtMs: 1_000,
    expiresAtMs: 2_000,
    revokedAtMs: undefined,
    allowedModels: ['openai/gpt-5.4-mini', 'chat'],
    pinnedTags: { user: 'alice', 'odd "name"': "it's" },
    requiredTags: ['feature'],
    limits: { maxConcurrent: 2, tokensPerMinute: 1000 },
    priority: 'batch',
    ...fields,
  };
}

const RULES: readonly KeyStoreRule[] = [
  [
    'a key is found by the hash of its secret, as it was put',
    async (store) => {
      const open = sampleKey({
        keyId: 'key_2',
        secretSha256: 'cd'.repeat(32),
        createdAtMs: 1_001,
        expiresAtMs: undefined,
        allowedModels: undefined,
        pinnedTags: {},
        requiredTags: [],
      });
      await store.put(sampleKey());
      await store.put(open);
      deepEqual(await store.findBySecretHash('ab'.repeat(32)), sampleKey());
      deepEqual(await store.findBySecretHash('cd'.repeat(32)), open);
      deepEqual(await store.list(), [sampleKey(), open]);
    },
  ],
  [
    'a key without limits and priority, as those of earlier versions are, is found as it was put',
    async (store) => {
      const { limits: _limits, priority: _priority, ...free } = sampleKey();
      await store.put(free);
      deepEqual(await store.list(), [free]);
    },
  ],
  [
    'a key that may ask for no model is not one that may ask for all',
    async (store) => {
      await store.put(sampleKey({ allowedModels: [] }));
      deepEqual((await store.list())[0]?.allowedModels, []);
    },
  ],
  [
    'an unknown hash finds nothing, nor does a part of a known one',
    async (store) => {
      await store.put(sampleKey());
      equal(await store.findBySecretHash('00'.repeat(32)), undefined);
      equal(await store.findBySecretHash('ab'.repeat(31)), undefined);
      equal(await store.findBySecretHash('%'), undefined);
    },
  ],
  [
    'revoked and expired keys are returned too',
    async (store) => {
      await store.put(sampleKey({ expiresAtMs: 1, revokedAtMs: 1 }));
      equal((await store.findBySecretHash('ab'.repeat(32)))?.revokedAtMs, 1);
    },
  ],
  [
    'putting a key again replaces it, and its old secret finds nothing',
    async (store) => {
      await store.put(sampleKey());
      await store.put(sampleKey({ secretSha256: 'ef'.repeat(32), name: 'renamed' }));
      equal((await store.list()).length, 1);
      equal(await store.findBySecretHash('ab'.repeat(32)), undefined);
      equal((await store.findBySecretHash('ef'.repeat(32)))?.name, 'renamed');
    },
  ],
  [
    'the version grows with every change and only then',
    async (store) => {
      const before = await store.version();
      await store.put(sampleKey());
      const created = await store.version();
      await store.list();
      equal(await store.version(), created);
      await store.put(sampleKey({ revokedAtMs: 5 }));
      ok(before < created && created < (await store.version()));
    },
  ],
];

/**
 * The rules of a key store, to be run by any test runner.
 * @param make - opens an empty store; each rule gets its own, and closes it.
 * @public
 */
export function keyStoreConformance(make: () => Promise<KeyStore>): readonly ConformanceCase[] {
  return RULES.map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const store = await make();
      try {
        await check(store);
      } finally {
        await store.close();
      }
    },
  }));
}
