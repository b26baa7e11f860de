import { expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig } from '../../src/config/load-config.ts';

const PROVIDERS = `
providers:
  a: { protocol: openai, baseUrl: "http://a/v1" }
  c: { protocol: anthropic, baseUrl: "http://c" }
routes:
`;

function problemsOf(route: string): readonly string[] {
  try {
    loadConfig({ env: {}, readFile: () => '', text: `${PROVIDERS}  - ${route}\n` });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`);
  }
  return [];
}

test.each([
  [
    '{ name: r, cascade: { from: a/x, to: a/y, verify: [{ agree: { with: c/z } }] } }',
    '6 routes[0].cascade.verify[0].agree.with: "c/z" speaks another protocol than cascade.from, whose answer it is to be compared with',
  ],
  [
    '{ name: r, match: { endpoint: embeddings }, cascade: { from: a/x, to: a/y, verify: [json] } }',
    '6 routes[0].match: names endpoints only that have no answers to check: cascade, score and quality are not for them',
  ],
  [
    '{ name: r, match: { endpoint: [embeddings, count-tokens] }, targets: [a/x, a/y], quality: { maxQualityLoss: 0.1 } }',
    '6 routes[0].match: names endpoints only that have no answers to check: cascade, score and quality are not for them',
  ],
])('the route %s is a problem of its line', (route, problem) => {
  expect(problemsOf(route)).toEqual([problem]);
});

test.each([
  '{ name: r, cascade: { from: c/x, to: a/y, verify: [{ agree: { with: c/z } }] } }',
  '{ name: r, match: { endpoint: [chat, embeddings] }, targets: [a/x, a/y], quality: { maxQualityLoss: 0.1 } }',
  '{ name: r, match: { endpoint: embeddings }, targets: [a/x, a/y] }',
])('the route %s is none', (route) => {
  expect(problemsOf(route)).toEqual([]);
});
