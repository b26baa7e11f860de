import { expect, test } from 'vitest';
import { ConfigError } from './config-error.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load-config.ts';
import { routeRemarks } from './route-remarks.ts';

const PROVIDERS = `
providers:
  a: { protocol: openai, baseUrl: "http://a/v1" }
  b: { protocol: openai, baseUrl: "http://b/v1", apiKey: "" }
`;

function load(routes: string): Config {
  const sources = { env: {}, readFile: () => '' };
  return loadConfig({ ...sources, text: `${PROVIDERS}${routes}` }).config;
}

function problems(routes: string): readonly string[] {
  try {
    load(routes);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

test('a route is read with what it matches, its targets and what quality it may lose', () => {
  const { routes } = load(`
routes:
  - name: support
    match:
      model: [chat, gpt-5*]
      tags: { feature: support, team: [x, y] }
      endpoint: chat
      tools: false
      schema: true
      tokens: { max: 4000 }
      language: [en, de]
    targets: [a/small, a/large]
    fallback: [b/large]
    quality: { maxQualityLoss: 0.02, judge: { model: a/judge, instructions: Be strict. } }
`);
  expect(routes).toEqual([
    {
      name: 'support',
      match: {
        models: ['chat', 'gpt-5*'],
        tags: { feature: ['support'], team: ['x', 'y'] },
        endpoints: ['chat'],
        tools: false,
        schema: true,
        maxInputTokens: 4000,
        languages: ['en', 'de'],
      },
      targets: [
        { provider: 'a', model: 'small' },
        { provider: 'a', model: 'large' },
      ],
      fallbacks: [{ provider: 'b', model: 'large' }],
      cascade: undefined,
      quality: {
        maxQualityLoss: 0.02,
        confidenceRatio: 0.95,
        calibrateRatio: 0.1,
        sampleRatio: 0.02,
        judge: { kind: 'model', target: { provider: 'a', model: 'judge' }, instructions: 'Be strict.' },
        logPath: undefined,
      },
      score: undefined,
      sticky: true,
    },
  ]);
});

test('a cascade names whom it asks and what an answer must pass; a score its file', () => {
  const { routes } = load(`
routes:
  - name: extract
    cascade: { from: a/small, to: [a/middle, a/large], verify: [json, tools, { pattern: "^x" }, { agree: { with: a/other, form: number } }, agree] }
  - { name: scored, targets: [a/small, a/large], score: { file: ./s.json, threshold: -0.25 }, sticky: false }
`);
  expect(routes[0]).toMatchObject({
    match: {},
    targets: [{ model: 'small' }, { model: 'middle' }, { model: 'large' }],
    cascade: {
      verify: [
        { kind: 'json', always: true },
        { kind: 'tools' },
        { kind: 'pattern', pattern: '^x' },
        { kind: 'agree', target: { provider: 'a', model: 'other' }, form: 'number' },
        { kind: 'agree', target: undefined, form: 'auto' },
      ],
    },
  });
  expect(routes[1]).toMatchObject({ score: { path: './s.json', threshold: -0.25 }, sticky: false });
});

test.each([
  ['routes: [{ name: r }]', 'routes[0].name: "r" needs targets or cascade, one of them'],
  [
    'routes: [{ name: r, targets: [a/x], cascade: { from: a/x, to: a/y, verify: [json] } }]',
    'routes[0].name: "r" needs targets or cascade, one of them',
  ],
  [
    'routes: [{ name: off, targets: [a/x] }]',
    'routes[0].name: "off" is not a name; 1 to 64 letters, digits, dots, dashes or underscores, and not off',
  ],
  ['routes: [{ name: r, targets: [c/x] }]', 'routes[0].targets[0]: "c/x" names no configured provider; known are a, b'],
  ['routes: [{ name: r, targets: [a/x, a/x] }]', 'routes[0].targets[1]: "a/x" is listed before'],
  [
    'routes: [{ name: r, targets: [a/x] }, { name: r, targets: [a/x] }]',
    'routes[1].name: "r" is the name of an earlier route',
  ],
  [
    'routes: [{ name: r, targets: [a/x], quality: { maxQualityLoss: 0.1 } }]',
    'routes[0].quality: needs two targets at least: quality is held against the last one',
  ],
  [
    'routes: [{ name: r, targets: [a/x, a/y], quality: { maxQualityLoss: 0 } }]',
    'routes[0].quality.maxQualityLoss: "0" must lie between 0 and 1; write 0.02',
  ],
  [
    'routes: [{ name: r, targets: [a/x, a/y], quality: { maxQualityLoss: 0.1, sample: 0 } }]',
    'routes[0].quality.sample: "0" must be above 0: nobody would see quality fall; write 0.02',
  ],
  [
    'routes: [{ name: r, targets: [a/x, a/y, a/z], score: { file: s } }]',
    'routes[0].score: needs two targets, the cheap one first',
  ],
  [
    'routes: [{ name: r, cascade: { from: a/x, to: a/y, verify: [{ pattern: "(" }] } }]',
    'routes[0].cascade.verify[0].pattern: "(" is not a regular expression',
  ],
  [
    'routes: [{ name: r, match: { model: "a*b" }, targets: [a/x] }]',
    'routes[0].match.model: "a*b" is not a model name; a * may stand at its end only',
  ],
  [
    'routes: [{ name: r, match: { tokens: { min: 5, max: 4 } }, targets: [a/x] }]',
    'routes[0].match.tokens.max: "4" is below min',
  ],
  [
    'routes: [{ name: r, targets: [a/x, a/y], quality: { maxQualityLoss: 0.1, judge: { model: c/j } } }]',
    'routes[0].quality.judge.model: "c/j" names no configured provider; known are a, b',
  ],
])('%s is refused with what to write', (text, problem) => {
  expect(problems(text)).toEqual([problem]);
});

test('a route whose strong target nobody can ask is told', () => {
  expect(routeRemarks(load('routes: [{ name: r, targets: [a/x, b/y] }, { name: s, targets: [b/y, a/x] }]'))).toEqual([
    'route r takes no call: the provider of its last target (b) is inactive',
  ]);
});
