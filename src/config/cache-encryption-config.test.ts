import { expect, test } from 'vitest';
import type { LoadedConfig } from './config.ts';
import { loadConfig } from './load-config.ts';

const KEY = 'c2VjcmV0IGNhbmFyeSBvZiAzMiBieXRlcyBsb25nISE=';
const HEX = '0123456789abcdef'.repeat(4);

function load(cache: string, env: Readonly<Record<string, string>> = {}): LoadedConfig {
  const providers = 'providers:\n  openai: { protocol: openai, baseUrl: https://api.openai.com/v1, apiKey: sk-1 }\n';
  return loadConfig({ path: 'farthing.yaml', text: `${providers}cache: ${cache}\n`, env, readFile: () => '' });
}

function fault(keys: string): string {
  try {
    load(`{ encryption: { keys: ${keys} } }`, { KEY: 'too short a secret' });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('loaded without a fault');
}

test('without keys nothing is encrypted', () => {
  expect(load('{ mode: all }').config.cache.encryptionKeys).toBeUndefined();
});

test('keys keep their order and are never shown', () => {
  const { config, values } = load(`{ encryption: { keys: ["\${env:KEY}", ${HEX}] } }`, { KEY });
  expect(config.cache.encryptionKeys).toEqual([KEY, HEX]);
  const shown = values.filter(({ path }) => path.startsWith('cache.encryption'));
  expect(shown.map(({ path, value }) => `${path}: ${value}`)).toEqual([
    'cache.encryption.keys[0]: (set)',
    'cache.encryption.keys[1]: (set)',
  ]);
});

const NO_KEY = 'is not a key of 32 bytes in base64 or hex; make one with: openssl rand -base64 32';

test.each([
  ['no key', '[]', 'farthing.yaml:3:24 cache.encryption.keys: is empty; name at least one key'],
  ['an empty key', '[""]', `farthing.yaml:3:31 cache.encryption.keys[0]: ${NO_KEY}`],
  ['a short key', `[${HEX}, short]`, `farthing.yaml:3:97 cache.encryption.keys[1]: ${NO_KEY}`],
  ['a short key of a variable', '["${env:KEY}"]', `farthing.yaml:3:31 cache.encryption.keys[0]: ${NO_KEY}`],
  ['a key twice', `[${HEX}, ${HEX}]`, 'farthing.yaml:3:97 cache.encryption.keys[1]: is listed before'],
])('%s is refused in its place, without being shown', (_what, keys, message) => {
  expect(fault(keys)).toBe(message);
});
