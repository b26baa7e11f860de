import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerTrain } from '../../src/cli/routes/train-command.ts';
import { readScoreModel } from '../../src/core/score/read-score-model.ts';
import { madePairs } from '../support/routing/made-pairs.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** As the guard writes them: what each of two targets made of a prompt, and what it cost. */
const LINES = madePairs(640, { isTelling: true }).map(({ text, cheap, strong }, at) =>
  JSON.stringify({
    id: `call-${at}`,
    prompt: text,
    domain: at % 2 === 0 ? 'mint' : 'bank',
    models: { 'demo/large': { quality: strong, costUsd: 0.01 }, 'demo/small': { quality: cheap, costUsd: 0.001 } },
  }),
);

async function train(words: readonly string[], stdin: string | Uint8Array = ''): Promise<string> {
  const output: string[] = [];
  const routes = new Command('routes').exitOverride();
  registerTrain(routes, {
    stdin: (async function* () {
      yield Buffer.from(stdin);
    })(),
    write: (text) => void output.push(text),
  });
  for (const command of routes.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
  await routes.parseAsync(['train', ...words], { from: 'user' });
  return output.join('');
}

async function written(path: string): Promise<ReturnType<typeof readScoreModel>> {
  return readScoreModel(JSON.parse(await readFile(path, 'utf8')));
}

test('a log of judged pairs becomes a score file that can be read, and a summary says what it is worth', async () => {
  const out = join(folder, 'score.json');
  const log = join(folder, 'judged.jsonl.gz');
  await writeFile(log, gzipSync(`${LINES.join('\n')}\n`));
  const text = await train([log, '--out', out, '--max-quality-loss', '0.05']);
  const model = await written(out);
  expect(model.targets).toEqual({ cheap: 'demo/small', strong: 'demo/large' });
  expect(model.pairs).toEqual({ trained: 320, heldOut: 320 });
  expect(model.certified).toMatchObject({ maxQualityLoss: 0.05, confidenceRatio: 0.9 });
  expect(text).toContain(`score ${model.id}`);
  expect(text).toMatch(/APGR {8}0\.\d{3} out of fold/);
  expect(text).toMatch(
    /threshold {3}-?0\.\d+: [\d.]+ % of calls go to demo\/small, at a mean loss of at most 5 %, 90 % sure/,
  );
});

test('lines that cannot be used are named, repeated ids and rows without an answer left out', async () => {
  const lines = [
    '{"prompt": "hello", "models": {"demo/small": {"quality": 1}}}',
    ...LINES.slice(0, 600),
    LINES[0] ?? '',
    'not JSON',
    '{"prompt": "hello", "models": {"demo/small": {"quality": 7}}}',
    '{"prompt": "<system-reminder>be kind</system-reminder>", "models": {"demo/small": {"quality": 1}, "demo/large": {"quality": 1}}}',
  ];
  const report = JSON.parse(
    await train(['-', '-o', join(folder, 'left.json'), '--json', '--category-tag', 'task'], lines.join('\n')),
  ) as Record<string, unknown>;
  expect(report).toMatchObject({
    categoryTag: 'task',
    categories: ['bank', 'mint'],
    pairs: { trained: 300, heldOut: 300 },
    unused: { 'same-id': 1, 'without-model': 1, 'without-prompt': 1 },
    faults: [
      { file: '-', line: 603 },
      { file: '-', line: 604 },
    ],
  });
});

test('it is said how many prompts came before, since a score may know them by heart', async () => {
  const lines = LINES.slice(0, 400).map((line) => line.replace(/"id":"[^"]*",/, ''));
  const text = await train(['-', '-o', join(folder, 'twice.json')], [...lines, ...lines].join('\n'));
  expect(text).toMatch(/repeated {4}(5\d|6\d)(\.\d)? % of prompts came before/);
});

test('a score that is no better than chance is called not worth using, and gets no threshold', async () => {
  const out = join(folder, 'chance.json');
  const lines = madePairs(520, { isTelling: false }).map(({ text, cheap, strong }) =>
    JSON.stringify({ prompt: text, weak: cheap, strong }),
  );
  expect(await train(['-', '-o', out], lines.join('\n'))).toMatch(/not worth using\nthreshold {3}none/);
  expect((await written(out)).certified).toBeNull();
});

test('with too few pairs nothing is written, and it is said how many are missing', async () => {
  const out = join(folder, 'few.json');
  await expect(train(['-', '-o', out], LINES.slice(0, 310).join('\n'))).rejects.toThrow(
    'a score needs 500 judged pairs; there are 310 of demo/small and demo/large: 190 are missing',
  );
  await expect(readFile(out)).rejects.toThrow('ENOENT');
});

test('which of two models is the cheap one must be said where nobody knows what they cost', async () => {
  const lines = LINES.map((line) => line.replaceAll(/,"costUsd":[\d.]+/g, ''));
  const out = join(folder, 'named.json');
  await expect(train(['-', '-o', out], lines.join('\n'))).rejects.toThrow(/say --cheap and --strong/);
  await train(['-', '-o', out, '--cheap', 'demo/small', '--strong', 'demo/large'], lines.join('\n'));
  expect((await written(out)).targets).toEqual({ cheap: 'demo/small', strong: 'demo/large' });
});

test.each([
  [['-', '-o', 'x', '--max-quality-loss', '2'], /above 0 and below 1/],
  [['-', '-o', 'x', '--confidence', 'sure'], /above 0 and below 1/],
  [['-', '-o', 'x', '--seed', '-1'], /whole number/],
  [['-'], /--out/],
  [['-', '-o', 'x'], /no line is a judged pair/],
  [['/nowhere/at-all', '-o', 'x'], /there is no such file/],
])('a command line that makes no sense is refused, %#', async (words, message) => {
  await expect(train(words)).rejects.toThrow(message);
});
