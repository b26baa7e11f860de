import { expect, test } from 'vitest';
import type { ConfigError } from './config-error.ts';
import type { LoadedConfig } from './config.ts';
import { loadConfig } from './load-config.ts';

const BASE = 'providers: { openai: { protocol: openai, baseUrl: "https://api.openai.com/v1", apiKey: k } }\n';
const WEBHOOKS = 'batch: { webhooks: { urls: [https://hooks.example.com/answers/], secret: "${env:SECRET}" } }\n';

function load(text: string, secret = 'a-secret-of-the-receiver'): LoadedConfig {
  return loadConfig({ text: BASE + text, env: { SECRET: secret }, readFile: () => '' });
}

function faultOf(text: string, secret?: string): string {
  try {
    load(text, secret);
  } catch (error) {
    return (error as ConfigError).message;
  }
  return 'none';
}

test('calls with a deadline may wait unless the operator says otherwise, and nobody is told', () => {
  expect(load('').config.batch).toEqual({
    allowsDeadlines: true,
    gatherMs: 60_000,
    retentionMs: 604_800_000,
    maxLiveCalls: 16,
    webhooks: undefined,
  });
  expect(load('batch: { deadlines: false, gather: 5s, retention: 1h, liveCalls: 2 }').config.batch).toMatchObject({
    allowsDeadlines: false,
    gatherMs: 5000,
    retentionMs: 3_600_000,
    maxLiveCalls: 2,
  });
});

test('addresses of webhooks and their secret are read and never shown', () => {
  const { config, values } = load(WEBHOOKS);
  expect(config.batch.webhooks).toEqual({
    urls: ['https://hooks.example.com/answers/'],
    secret: 'a-secret-of-the-receiver',
  });
  const shown = values.filter(({ path }) => path.startsWith('batch.webhooks'));
  expect(shown.map(({ path, value }) => [path, value])).toEqual([
    ['batch.webhooks.urls[0]', '(set)'],
    ['batch.webhooks.secret', '(set)'],
  ]);
});

test.each([
  ['batch: { webhooks: { urls: [https://a.example/] } }', 'batch.webhooks.secret'],
  ['batch: { webhooks: { urls: [], secret: 0123456789abcdef } }', 'names no address'],
  ['batch: { webhooks: { urls: [ftp://a.example/], secret: 0123456789abcdef } }', 'is not an address'],
  ['batch: { webhooks: { urls: [https://me:you@a.example/], secret: 0123456789abcdef } }', 'is not an address'],
  ['batch: { webhooks: { urls: ["https://a.example/?to=me"], secret: 0123456789abcdef } }', 'has a query'],
  ['batch: { gather: 0s }', 'is not a duration from 1ms'],
  ['batch: { retention: 0s }', 'is too short'],
  ['batch: { liveCalls: 0 }', 'whole number from 1'],
  ['batch: { deadline: true }', 'did you mean deadlines?'],
])('%s is refused', (text, message) => {
  expect(faultOf(text)).toContain(message);
});

test('a secret that could be guessed is refused', () => {
  expect(faultOf(WEBHOOKS, 'short')).toContain('must have at least 16 characters');
});
