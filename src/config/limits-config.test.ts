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

test('what bounds calls under way, waiting calls and strain has defaults and is read in its units', () => {
  expect(load('').limits).toMatchObject({
    maxInFlight: 2000,
    maxQueued: 1000,
    queueWaitMs: 5000,
    maxLoopLagMs: 1000,
    maxHeapRatio: 0.9,
  });
  const written = 'limits: { maxInFlight: 10, maxQueued: 0, queueWait: 200ms, maxLoopLag: 250ms, maxHeapRatio: 1 }';
  expect(load(written).limits).toMatchObject({
    maxInFlight: 10,
    maxQueued: 0,
    queueWaitMs: 200,
    maxLoopLagMs: 250,
    maxHeapRatio: 1,
  });
});

test('a key may be one for calls of a batch; others leave it to their calls', () => {
  const { keys } = load('keys: [{ name: a, key: s, priority: batch }, { name: b, key: t }]');
  expect(keys.map(({ priority }) => priority)).toEqual(['batch', 'interactive']);
});

describe('faults are named', () => {
  test.each([
    ['projects: { web: { limits: { concurrent: 0 } } }', 'projects.web.limits.concurrent'],
    ['projects: { web: { limits: { requestsPerMinute: 1.5 } } }', 'projects.web.limits.requestsPerMinute'],
    ['projects: { web: { limits: { rpm: 5 } } }', 'projects.web.limits.rpm'],
    ['projects: { web: { limit: { concurrent: 5 } } }', 'projects.web.limit'],
    ['keys: [{ name: a, key: s, limits: { tokensPerMinute: none } }]', 'keys[0].limits.tokensPerMinute'],
    ['keys: [{ name: a, key: s, priority: low }]', 'keys[0].priority'],
    ['limits: { maxQueued: -1 }', 'limits.maxQueued'],
    ['limits: { queueWait: 0s }', 'limits.queueWait'],
    ['limits: { maxLoopLag: 0s }', 'limits.maxLoopLag'],
    ['limits: { maxLoopLag: 10ms }', 'limits.maxLoopLag'],
    ['limits: { maxHeapRatio: 0 }', 'limits.maxHeapRatio'],
    ['limits: { maxHeapRatio: 90 }', 'limits.maxHeapRatio'],
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
