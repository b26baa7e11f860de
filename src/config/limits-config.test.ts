import { describe, expect, test } from 'vitest';
import type { ConfigError } from './config-error.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load-config.ts';

const BASE = 'providers: { openai: { protocol: openai, baseUrl: "https://api.openai.com/v1", apiKey: k } }\n';

function load(text: string): Config {
  return loadConfig({ text: BASE + text, env: { CAP: '7' }, readFile: () => '' }).config;
}

test('limits of keys and projects are read; those left out do not bound', () => {
  const { keys, projects } = load(`
keys: [{ name: a, key: s, limits: { concurrent: "\${env:CAP}", requestsPerMinute: 600, tokensPerMinute: 100000 } }, { name: b, key: t }]
projects:
  web: { limits: { tokensPerMinute: 5 } }
  free: {}
`);
  expect(keys.map(({ limits }) => limits)).toEqual([
    { maxConcurrent: 7, requestsPerMinute: 600, tokensPerMinute: 100_000 },
    undefined,
  ]);
  expect(projects).toEqual([
    { name: 'web', limits: { tokensPerMinute: 5 } },
    { name: 'free', limits: undefined },
  ]);
  expect(load('').projects).toEqual([]);
});

describe('faults are named', () => {
  test.each([
    ['projects: { web: { limits: { concurrent: 0 } } }', 'projects.web.limits.concurrent'],
    ['projects: { web: { limits: { requestsPerMinute: 1.5 } } }', 'projects.web.limits.requestsPerMinute'],
    ['projects: { web: { limits: { rpm: 5 } } }', 'projects.web.limits.rpm'],
    ['projects: { web: { limit: { concurrent: 5 } } }', 'projects.web.limit'],
    ['keys: [{ name: a, key: s, limits: { tokensPerMinute: none } }]', 'keys[0].limits.tokensPerMinute'],
    ['auth: none\nprojects: { web: { limits: { concurrent: 5 } } }', 'projects.web'],
  ])('%s', (text, path) => {
    let caught: unknown;
    try {
      load(text);
    } catch (error) {
      caught = error;
    }
    expect((caught as ConfigError).problems.map((problem) => problem.path)).toEqual([path]);
  });
});

test('with auth: none the project default may have limits', () => {
  expect(load('auth: none\nprojects: { default: { limits: { concurrent: 5 } } }').projects).toHaveLength(1);
});
