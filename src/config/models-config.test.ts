import { expect, test } from 'vitest';
import { ConfigError } from './config-error.ts';
import type { ModelConfig } from './config.ts';
import { loadConfig } from './load-config.ts';

const PROVIDERS = `providers:
  a: { protocol: openai, baseUrl: "http://127.0.0.1:1" }
  b: { protocol: openai, baseUrl: "http://127.0.0.1:2" }
models:
`;

function models(lines: string): readonly ModelConfig[] {
  return loadConfig({ path: 'farthing.yaml', text: PROVIDERS + lines, env: {}, readFile: () => '' }).config.models;
}

function faults(lines: string): readonly string[] {
  try {
    models(lines);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  throw new Error('loaded without a fault');
}

test('targets are tried in order unless a balance is written', () => {
  expect(models('  chat: { targets: [a/m, b/m] }')).toEqual([
    {
      name: 'chat',
      targets: [
        { provider: 'a', model: 'm' },
        { provider: 'b', model: 'm' },
      ],
      balance: undefined,
      baseline: undefined,
    },
  ]);
});

test('a balance has a weight for each target, 1 where none is written', () => {
  const [weighted, latency] = models(
    '  x: { balance: weighted, targets: [a/m, { target: b/o/m, weight: 3 }, { target: b/n }] }\n  y: { balance: latency, targets: [a/m, b/m] }',
  );
  expect(weighted?.balance).toEqual({ by: 'weighted', weights: [1, 3, 1] });
  expect(weighted?.targets[1]).toEqual({ provider: 'b', model: 'o/m' });
  expect(latency?.balance).toEqual({ by: 'latency', weights: [1, 1] });
});

test('what is wrong with a target or its weight is told with its place', () => {
  expect(
    faults(`  chat:
    targets: [a/m, { target: b, weight: 0 }, { target: c/m, weigth: 2 }]
    balance: fastest
  order: { targets: [a/m, { target: b/m, weight: 2 }] }
`),
  ).toEqual([
    'farthing.yaml:6:30 models.chat.targets[1].target: "b" is not a target; write provider/model',
    'farthing.yaml:6:41 models.chat.targets[1].weight: "0" is not a whole number from 1 to 1000',
    'farthing.yaml:6:61 models.chat.targets[2].weigth: is not known here; did you mean weight?',
    'farthing.yaml:7:14 models.chat.balance: "fastest" is not known here; write order, weighted or latency',
  ]);
  expect(faults('  chat: { targets: [a/m, { target: b/m, weight: 2 }] }')).toEqual([
    'farthing.yaml:5:49 models.chat.targets[1].weight: "2" has no effect where targets are tried in order; write balance: weighted or balance: latency',
  ]);
});

test('an unknown provider and a repeated target are found behind a weight as well', () => {
  expect(faults('  chat: { balance: weighted, targets: [a/m, { target: c/m }, { target: a/m, weight: 2 }] }')).toEqual([
    'farthing.yaml:5:45 models.chat.targets[1]: names no configured provider; known are a, b',
    'farthing.yaml:5:62 models.chat.targets[2]: is listed before',
  ]);
});
