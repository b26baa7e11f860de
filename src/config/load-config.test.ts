import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasData, sharedData } from '../../test/support/shared-data.ts';
import { CONFIG_DEFAULTS } from './config-defaults.ts';
import { ConfigError } from './config-error.ts';
import type { LoadedConfig } from './config.ts';
import type { Environment } from './env.ts';
import { loadConfig } from './load-config.ts';

const PROVIDERS = 'providers:\n  openai: { protocol: openai, baseUrl: https://api.openai.com/v1, apiKey: sk-1 }\n';

function budgetText(member: string): string {
  const scope = member.startsWith('scope') ? '' : 'scope: all, ';
  return `${PROVIDERS}budgets: [{ name: a, ${scope}limitUsd: 1, window: day, ${member} }]`;
}

function load(text: string, env: Environment = {}): LoadedConfig {
  return loadConfig({ path: 'farthing.yaml', text, env, readFile: (path) => readFileSync(path, 'utf8') });
}

/** Loads a text, or gives the configuration error that it leads to; any other error comes through. */
function outcome(text: string, env: Environment = {}): LoadedConfig | ConfigError {
  try {
    return load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** The lines of the error that a text leads to. */
function faults(text: string, env: Environment = {}): readonly string[] {
  const result = outcome(text, env);
  if (result instanceof ConfigError) return result.message.split('\n');
  throw new Error('loaded without a fault');
}

test('a file with providers alone gets every default', () => {
  const { config } = load(PROVIDERS);
  expect(config).toMatchObject({
    version: 1,
    listen: { host: '127.0.0.1', port: 4141 },
    auth: 'required',
    storage: { kind: 'folder', path: './farthing-data' },
    cache: {
      mode: 'deterministic',
      ttlMs: 3_600_000,
      memoryBytes: 64e6,
      diskBytes: 1e9,
      scope: 'project',
      staleIfErrorMs: 0,
    },
    limits: { maxBodyBytes: 10e6, maxHeaderBytes: 16_384, headersTimeoutMs: 10_000, toolAllowanceNanoUsd: 50_000_000 },
    resilience: { firstByteTimeoutMs: 120_000, idleTimeoutMs: 120_000, totalTimeoutMs: 600_000, retries: 2 },
    keys: [],
    adminKey: undefined,
    callLog: undefined,
    logLevel: 'info',
  });
});

test('what stands behind a name without a value is the default', () => {
  expect(load(`${PROVIDERS}cache:\nlog:\n  level:\n`).config.cache.ttlMs).toBe(3_600_000);
});

test.skipIf(!hasData('..', 'examples', 'farthing.yaml'))('the example of the design loads as it stands', () => {
  const text = readFileSync(sharedData('..', 'examples', 'farthing.yaml') ?? '', 'utf8');
  const { config, origins } = load(text, { ANTHROPIC_API_KEY: 'sk-ant' });
  expect(config.providers.map(({ name, isActive, vendor }) => [name, isActive, vendor])).toEqual([
    ['openai', false, 'openai'],
    ['anthropic', true, 'anthropic'],
    ['backup', false, 'openrouter'],
  ]);
  expect(config.prices['backup/openai/gpt-5.4-mini']).toEqual({
    input: '0.75',
    cacheRead: '0.075',
    output: '4.5',
    from: '2026-11-01',
  });
  expect(config.models[0]?.targets[1]).toEqual({ provider: 'backup', model: 'openai/gpt-5.4-mini' });
  expect(config.budgets[1]).toMatchObject({
    scope: { kind: 'tag', name: 'user' },
    limitNanoUsd: 5_000_000_000,
    window: { kind: 'rolling', lengthMs: 86_400_000 },
    onLowBudget: 'lower',
  });
  expect(config.optimize).toMatchObject({ level: 'lossless', promptCache: 'auto', prefixWaitMs: 2000 });
  expect(origins.get('providers.anthropic.apiKey')).toMatchObject({ kind: 'env', name: 'ANTHROPIC_API_KEY' });
  expect(origins.get('providers.openai.apiKey')).toMatchObject({ kind: 'file' });
});

test("the project's own example uses every part and loads", () => {
  const text = readFileSync(new URL('../../examples/farthing.yaml', import.meta.url), 'utf8');
  const { config, values } = load(text, { OPENAI_SECOND_API_KEY: 'sk-2' });
  expect(config.providers[0]?.keys).toEqual([{ secret: 'sk-2', weight: 1 }]);
  expect(config.providers.find(({ name }) => name === 'local')).toMatchObject({ isActive: true, keys: [] });
  const written = new Set(values.map(({ path }) => path.split(/[.[]/)[0]));
  const sections = Object.keys(CONFIG_DEFAULTS).map((path) => path.split(/[.?[]/)[0] ?? '');
  expect(sections.filter((section) => !written.has(section))).toEqual([]);
  expect(values.filter(({ path, origin }) => path.startsWith('limits') && origin.kind === 'default')).toEqual([]);
});

test('every problem is told at once, one line each, with its place and what to write', () => {
  const text = `version: 2
cachee: {}
cache:
  ttl: 1 fortnight
  modee: all
  memory: "\${env:MEMORY}"
providers:
  openai:
    protocol: openai
    baseUrl: ftp://x
    apiKeys: [a, { key: b, wieght: 2 }]
models:
  chat: { targets: [openai] }
budgets:
  - { name: a, scope: all, limitUsd: 1e3, window: { rolling: 2 } }
limits: text
`;
  expect(faults(text)).toEqual([
    'farthing.yaml:1:10 version: "2" is not a version known here; write 1',
    'farthing.yaml:2:1 cachee: is not known here; did you mean cache?',
    'farthing.yaml:4:8 cache.ttl: "1 fortnight" is not a duration; write 500ms, 2s, 10m, 1h or 7d',
    'farthing.yaml:5:3 cache.modee: is not known here; did you mean mode?',
    'farthing.yaml:6:11 cache.memory: the environment variable MEMORY is not set; set it or write ${env:MEMORY:-default}',
    'farthing.yaml:10:14 providers.openai.baseUrl: "ftp://x" is not an address; write https://host/path, without user, query or fragment',
    'farthing.yaml:11:28 providers.openai.apiKeys[1].wieght: is not known here; did you mean weight?',
    'farthing.yaml:13:21 models.chat.targets[0]: "openai" is not a target; write provider/model',
    'farthing.yaml:15:38 budgets[0].limitUsd: "1e3" is not an amount in dollars; write 50 or 0.05 (at most nine decimals)',
    'farthing.yaml:15:62 budgets[0].window.rolling: "2" is not a duration; write 500ms, 2s, 10m, 1h or 7d',
    'farthing.yaml:16:1 limits: must be a mapping (name: value)',
  ]);
});

test.each([
  ['doubled names', `${PROVIDERS}auth: none\nauth: none\n`, /:4:1 Map keys must be unique/],
  ['no providers', 'version: 1\n', /providers: is missing/],
  ['a list for a file', '- a\n', /must be a mapping/],
  ['broken YAML', 'a: [1\n', /farthing\.yaml:\d+:\d+ /],
  ['a YAML tag', `${PROVIDERS}auth: !!binary x\n`, /Unresolved tag/],
  ['a name that is none', `${PROVIDERS}? [a]\n: b\n`, /a name must be plain text/],
  ['__proto__', `${PROVIDERS}__proto__: { auth: none }\n`, /"__proto__" cannot be used as a name/],
  ['a missing member', 'providers: { x: { protocol: openai } }\n', /:1:14 providers\.x\.baseUrl: is missing/],
  [
    'both kinds of keys',
    'providers: { x: { protocol: openai, baseUrl: "http://a", apiKey: a, apiKeys: [b] } }',
    /write one of them/,
  ],
  [
    'a day that does not exist',
    `${PROVIDERS}keys: [{ name: a, key: b, expires: 2026-02-30 }]`,
    /"2026-02-30" is not a date/,
  ],
  ['a timeout that timers cannot wait for', `${PROVIDERS}resilience: { totalTimeout: 30d }`, /1ms to 24d/],
  [
    'a header of the connection',
    'providers: { x: { protocol: openai, baseUrl: "http://a", headers: { Host: b } } }',
    /cannot|can be set/,
  ],
  ['a longest ttl that no call could use', `${PROVIDERS}cache: { maxTtl: 7d }`, /cache\.maxTtl: is not known here/],
  ['a ttl of nothing', `${PROVIDERS}cache: { ttl: 0s }`, /cache\.ttl: "0s" is too short/],
  [
    'Redis without Postgres',
    `${PROVIDERS}storage: { redis: "redis://h" }`,
    /storage\.postgres: is missing: .* need both/,
  ],
  [
    'Postgres without Redis',
    `${PROVIDERS}storage: { postgres: "postgres://h" }`,
    /storage\.redis: is missing: .* need both/,
  ],
  [
    'an address of another service',
    `${PROVIDERS}storage: { redis: "http://h", postgres: "postgres://h" }`,
    /storage\.redis: is not an address; write redis:\/\//,
  ],
  [
    'a short secret of a webhook',
    `${PROVIDERS}alerts: { webhook: { url: "https://h", secret: short } }`,
    /at least 16/,
  ],
  ['a webhook without a secret', `${PROVIDERS}alerts: { webhook: { url: "https://h" } }`, /secret: is missing/],
  [
    'a webhook that is no address',
    `${PROVIDERS}alerts: { webhook: { url: "ftp://h", secret: 0123456789abcdef } }`,
    /https:/,
  ],
  [
    'a budget name with a bar',
    `${PROVIDERS}budgets: [{ name: "a|b", scope: all, limitUsd: 1, window: day }]`,
    /"a\|b" must/,
  ],
  ['an alert at nothing', budgetText('alertAt: [0]'), /alertAt\[0\]: "0" is not a share of the limit above 0/],
  ['an alert beyond ten limits', budgetText('alertAt: [10.5]'), /"10\.5" is not a share/],
  ['a scope without a provider', budgetText('scope: "model:gpt-5.5"'), /is not a scope; write all, project/],
  ['requestTimeout below headersTimeout', `${PROVIDERS}limits: { requestTimeout: 1s }`, /"1s" is shorter than/],
])('%s is a fault', (_what, text, message) => {
  expect(faults(text).join('\n')).toMatch(message);
});

test('auth none, short keys and a short admin key are refused beyond loopback only', () => {
  const rest = `${PROVIDERS}auth: none\nkeys: [{ name: a, key: short }]\nadmin: { key: brief }\nlisten: `;
  expect(load(`${rest}"[::1]:0"`).config.auth).toBe('none');
  expect(faults(`${rest}0.0.0.0:4141`).map((line) => line.split(' ')[1])).toEqual([
    'auth:',
    'keys[0].key:',
    'admin.key:',
  ]);
});

test('targets, prices and passThrough name configured providers, and no alias reads as a target of one', () => {
  const text = `${PROVIDERS}models: { openai/a: { targets: [openia/b] }, c: { targets: [openai/d, openai/d], baseline: x/y } }
prices: { opnai/e: { input: 1 }, plain: { input: 1 } }
passThrough: [{ path: /v1/audio/*, provider: nobody }]
`;
  expect(faults(text)).toEqual([
    expect.stringMatching(/models\["openai\/a"\]: reads as provider\/model/),
    expect.stringMatching(
      /models\["openai\/a"\]\.targets\[0\]: "openia\/b" names no configured provider; did you mean openai\?/,
    ),
    expect.stringMatching(/models\.c\.targets\[1\]: "openai\/d" is listed before/),
    expect.stringMatching(/models\.c\.baseline: "x\/y" names no configured provider; known are openai/),
    expect.stringMatching(/prices\.plain: a price is listed under provider\/model/),
    expect.stringMatching(/passThrough\[0\]\.provider: "nobody" names no/),
  ]);
  expect(faults(`${PROVIDERS}prices: { opnai/e: { input: 1 } }`)).toEqual([
    expect.stringMatching(/did you mean openai/),
  ]);
});

test('names and secrets are there once, and no secret is empty', () => {
  const text = `${PROVIDERS}keys: [{ name: a, key: s1 }, { name: a, key: s1 }, { name: b, key: "" }]\nadmin: { key: s1 }\n`;
  expect(faults(text).map((line) => line.replace(/^\S+ /, ''))).toEqual([
    'keys[1].name: "a" is the name of an earlier key',
    'keys[1].key: is the secret of an earlier key',
    'keys[2].key: is empty',
    'admin.key: is the secret of a key for calls as well',
  ]);
});

test('money keeps every digit of the text', () => {
  const { config } = load(`${PROVIDERS}prices: { openai/x: { input: 0.070001, output: 1.50 } }
budgets: [{ name: a, scope: all, limitUsd: 4503599.123456789, window: day }]`);
  expect(config.prices['openai/x']).toEqual({ input: '0.070001', output: '1.50' });
  expect(config.budgets[0]?.limitNanoUsd).toBe(4_503_599_123_456_789);
});

test('shares of the price for batches and flex keep their text, and anything but a share is refused', () => {
  const text = (ratio: string): string =>
    `${PROVIDERS}prices: { openai/x: { input: 1, batchRatio: ${ratio}, flexRatio: 0.55 } }`;
  expect(load(text('0.50')).config.prices['openai/x']).toEqual({ input: '1', batchRatio: '0.50', flexRatio: '0.55' });
  expect(faults(text('half'))).toEqual([expect.stringMatching(/prices\["openai\/x"\]\.batchRatio: .* is not a share/)]);
});

test('a budget may count a model, and alerts go beyond the limit', () => {
  const { config } = load(budgetText('scope: "model:openai/gpt-5.5", mode: soft, alertAt: [0.5, 1, 10]'));
  expect(config.budgets).toEqual([
    {
      name: 'a',
      scope: { kind: 'model', name: 'openai/gpt-5.5' },
      limitNanoUsd: 1_000_000_000,
      window: { kind: 'calendar', unit: 'day' },
      timezone: 'UTC',
      mode: 'soft',
      alertAtRatios: [0.5, 1, 10],
      onLowBudget: 'refuse',
    },
  ]);
  expect(load(budgetText('scope: model')).config.budgets[0]?.scope).toEqual({ kind: 'model', name: undefined });
});

test('an output limit for calls without one is there only when it is written', () => {
  const { limits, alerts } = load(PROVIDERS).config;
  expect(limits).toMatchObject({ defaultMaxOutputTokens: undefined, unboundedCalls: 'reserve', budgetWaitMs: 2000 });
  expect(alerts).toEqual({ webhook: undefined });
  const written = load(`${PROVIDERS}limits: { defaultMaxOutputTokens: 512, unboundedCalls: refuse }`).config.limits;
  expect(written).toMatchObject({ defaultMaxOutputTokens: 512, unboundedCalls: 'refuse' });
});

test('storage in services takes both, and nothing of it is inactive', () => {
  const { config } = load(`${PROVIDERS}storage: { postgres: "postgres://h/db", redis: "rediss://h" }`);
  expect(config.storage).toEqual({ kind: 'services', redisUrl: 'rediss://h', postgresUrl: 'postgres://h/db' });
});

test('references work in numbers, durations and switches, and a key that looks like a number stays text', () => {
  const text = `${PROVIDERS}cache: { ttl: "\${env:TTL}", allowStored: "\${env:STORED}" }
limits: { maxInFlight: "\${env:MOST:-7}" }
keys: [{ name: 1, key: 0x1F }]`;
  const { config } = load(text, { TTL: '5m', STORED: 'true' });
  expect([config.cache.ttlMs, config.cache.allowStored, config.limits.maxInFlight]).toEqual([300_000, true, 7]);
  expect(config.keys[0]).toMatchObject({ name: '1', secret: '0x1F' });
});

test('no secret shows: not in values, and not in messages when it stands in a wrong place', () => {
  const canary = 'canary-secret';
  const env = { SECRET: canary };
  const good = `providers: { x: { protocol: openai, baseUrl: "http://a", apiKeys: ["${canary}-1", { key: "${canary}-2" }], headers: { a: ${canary} }, query: { b: ${canary} } } }
storage: { redis: "redis://u:${canary}@h", postgres: "postgres://u:${canary}@h" }
alerts: { webhook: { url: "https://h/${canary}", secret: ${canary}-that-is-long } }
keys: [{ name: a, key: ${canary} }]
admin: { key: "\${env:SECRET}x" }`;
  const { values } = load(good, env);
  expect(JSON.stringify(values)).not.toContain(canary);
  expect(values.find(({ path }) => path === 'keys[0].key')?.value).toBe('(set)');
  const bad = `${PROVIDERS}cache: { ttl: "\${env:SECRET}" }\nlisten: "http://u:${canary}@h"\nkeys: [{ name: a, key: "${canary} é" }]`;
  const lines = faults(bad, env);
  expect(lines).toHaveLength(3);
  expect(lines.join('\n')).not.toContain(canary);
});

test('a missing file is a configuration error that names it', () => {
  const sources = { env: {}, readFile: (path: string) => readFileSync(path, 'utf8') };
  expect(() => loadConfig({ ...sources, path: '/nowhere.yaml' })).toThrow('/nowhere.yaml does not exist');
});

test('a file that grows without bound when read is refused: nesting, aliases of aliases, sheer size', () => {
  const laughs = Array.from(
    { length: 12 },
    (_, level) =>
      `l${level}: &l${level} [${Array.from({ length: 9 })
        .fill(level === 0 ? 'x' : `*l${level - 1}`)
        .join(', ')}]`,
  );
  for (const text of ['['.repeat(20_000), laughs.join('\n'), 'a: &a [*a]', `# ${'x'.repeat(1_000_001)}`]) {
    expect(faults(text).join('\n')).toMatch(/^farthing\.yaml/);
  }
});

const FRAGMENTS: readonly string[] = [
  ...'a providers cache keys version : { } [ ] , " # &a *a !!str | > <<: ${env: ${ ~ __proto__'.split(' '),
  "'",
  ': ',
  '- ',
  '? ',
  '\n',
  '\n  ',
  '---\n',
  '...\n',
  '%YAML 9\n',
  '\t',
  '\0',
  '\u2028',
];
const garbage = fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 40 });

test('garbage leads to a configuration error and nothing else', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        garbage.map((parts) => parts.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (text) => {
        expect(faults(text).length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 500 },
  );
});

test('any JSON value in any place leads to a configuration or a configuration error', () => {
  const place = fc.constantFrom(
    ...Object.keys(CONFIG_DEFAULTS).map((path) => path.split(/[.?[]/)[0] ?? ''),
    'models',
    'prices',
    'routes',
  );
  fc.assert(
    fc.property(place, fc.jsonValue(), (name, value) => {
      const file = { providers: { x: { protocol: 'openai', baseUrl: 'http://a' } }, [name]: value };
      expect(() => outcome(JSON.stringify(file))).not.toThrow();
    }),
    { numRuns: 500 },
  );
});
