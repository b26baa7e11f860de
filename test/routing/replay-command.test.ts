import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerReplay } from '../../src/cli/replay-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What the command writes. */
async function replayed(words: readonly string[], stdin: Uint8Array = Buffer.from('')): Promise<string> {
  const output: string[] = [];
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  registerReplay(program, {
    stdin: (async function* () {
      yield stdin;
    })(),
    write: (text) => void output.push(text),
  });
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
  await program.parseAsync(['replay', ...words], { from: 'user' });
  return output.join('');
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** Two cheap models that agree where the cheap one is right, at hand-made costs. */
function rowOf(index: number): string {
  const isRight = index % 4 !== 0;
  const models = {
    small: { quality: Number(isRight), answer: isRight ? '5.0' : '6', costUsd: 1, valid: isRight },
    other: { quality: Number(isRight), answer: isRight ? 5 : '7', costUsd: 1 },
    large: { quality: 1, answer: '5', costUsd: 10 },
  };
  return JSON.stringify({
    id: index,
    prompt: 'p'.repeat(isRight ? 5 : 9),
    domain: isRight ? 'sums' : 'riddles',
    models,
  });
}
const TABLE = Array.from({ length: 40 }, (_, index) => rowOf(index)).join('\n');
const NAMES = ['--cheap', 'small', '--strong', 'large', '--checker', 'other'];

describe('a table', () => {
  test('is replayed with the baselines beside each policy', async () => {
    const text = await replayed([await file('a.jsonl', TABLE), ...NAMES, '--bootstrap', '50']);
    expect(text).toContain('40 rows, small, checked by other -> large');
    // A quarter is escalated: (40 * 2 + 10 * 10) / 400 for agreement, (40 + 10 * 10) / 400 for checks.
    expect(text).toMatch(
      /\nagree +1\.000 +100\.0 % \[100\.0, 100\.0\] +4500\.000 +55\.0 % \[[\d., ]+\] +25\.0 % +0\.0 % +67\.5 %/,
    );
    expect(text).toMatch(/\nchecks +1\.000 +100\.0 % \[100\.0, 100\.0\] +3500\.000 +65\.0 %/);
    expect(text).toMatch(/\nalways-cheap +0\.750 +75\.0 %.+ 90\.0 %/);
    expect(text).toMatch(/\nalways-strong +1\.000 +100\.0 %.+ 0\.0 % \[0\.0, 0\.0\] +100\.0 %/);
    expect(text).toMatch(/\nrandom +0\.500 \[0\.500, 0\.500\] +50\.0 %/);
    expect(text).toMatch(/\noracle +0\.875/);
    expect(text).toMatch(/\nlength +0\.875/);
    expect(text).toContain('not replayed: format: no row says whether the cheap answer has its form');
  });

  test('may be packed, come by standard input, and in several files, whose names are domains', async () => {
    const rows = [0, 1].map((right) =>
      Array.from({ length: 9 }, () => JSON.stringify({ weak: right, strong: 1 })).join('\n'),
    );
    const hard = await file('hard.jsonl.gz', gzipSync(rows[0] ?? ''));
    const json: unknown = JSON.parse(
      await replayed([hard, '-', '--policy', 'category', '--json'], Buffer.from(rows[1] ?? '')),
    );
    expect(json).toMatchObject({ rowCount: 18, models: { cheap: 'weak', strong: 'strong' } });
    expect(json).toMatchObject({
      results: [{}, {}, {}, {}, { name: 'category', figures: { apgr: 0.75, cpt80Ratio: expect.closeTo(0.4, 9) } }],
    });
  });

  test('says what it could not use, by line, without showing it', async () => {
    const lines = [
      rowOf(1),
      'secret',
      '{"models":{"small":{"quality":"secret"}}}',
      '{"prompt":null}',
      '{"models":{"large":[1]}}',
    ];
    const more = ['{"models":{"small":[1],"large":[1],"other":[1]}}'];
    const path = await file('b.jsonl', [...lines, ...more].join('\n'));
    const text = await replayed([path, ...NAMES, '--policy', 'checks', '--bootstrap', '0']);
    expect(text).toContain('1 rows, small');
    expect(text).toContain(`${path}:2: is not JSON`);
    expect(text).toContain(`${path}:3: quality is not a number from 0 to 1`);
    expect(text).toContain('1 rows dropped: their prompt is null');
    expect(text).toContain('1 rows not used: no outcome of small');
    expect(text).toContain('1 rows not used: no cost of small; rows must state costUsd,');
    expect(text).not.toContain('secret');
  });

  test('takes prices from the command line, else from the price book', async () => {
    const row = {
      models: {
        'gpt-4o-mini': { quality: 1, inputTokens: 1e6, outputTokens: 0 },
        mine: { quality: 1, inputTokens: 0, outputTokens: 1e6 },
      },
    };
    const path = await file('c.jsonl', JSON.stringify(row));
    const names = ['--cheap', 'gpt-4o-mini', '--strong', 'mine', '--policy', 'score'];
    await expect(replayed([path, ...names, '--price', 'mine=1/3'])).rejects.toThrow(
      '--policy score: no row has a prompt',
    );
    const text = await replayed([path, '--price', 'mine=1/3']);
    expect(text).toContain('Dollars per million tokens where no cost is stated: gpt-4o-mini 0.15/0.6, mine 1/3');
    expect(text).toMatch(/\nalways-cheap .+ 95\.0 %/);
  });
});

test.each([
  [['--cheap', 'smal', '--strong', 'large'], /no row has a model smal \(did you mean small\?\)/],
  [['--cheap', 'small'], /say --cheap and --strong; the models are large, other, small/],
  [['--cheap', 'small', '--strong', 'small'], /the same model/],
  [['--cheap', 'small', '--strong', 'large', '--checker', 'large'], /another model/],
  [[...NAMES, '--policy', 'best'], /there are length, category/],
  [[...NAMES, '--policy', 'format'], /--policy format: no row says/],
  [[...NAMES, '--price', 'small'], /dollars per million/],
  [[...NAMES, '--price', 'small=1/2/3'], /dollars per million/],
  [[...NAMES, '--price', 'small=-1/2'], /dollars per million/],
  [[...NAMES, '--folds', '1'], /from 2 to 100/],
  [[...NAMES, '--seed', '1.5'], /whole number/],
  [[...NAMES, '--confidence', '1'], /above 0 and below 1/],
])('what is wrong in %j is said', async (words, message) => {
  await expect(replayed([await file('d.jsonl', TABLE), ...words])).rejects.toThrow(message);
});

test.each([
  ['nothing', '', /no line can be replayed/],
  ['no table', 'a\nb', /no line can be replayed; .+:1: is not JSON/],
  ['no text', Buffer.from([0xff, 0xfe, 0x00]), /neither a text/],
  ['a broken archive', Buffer.from([0x1f, 0x8b, 0x00]), /neither a text/],
  ['no known price', '{"models":{"a":[1],"b":[1]}}', /no cost of a is known; rows must state .* \(--price a=in\/out\)/],
])('a file with %s is refused', async (_, content, message) => {
  await expect(replayed([await file('e.jsonl', content)])).rejects.toThrow(message);
  await expect(replayed([join(folder, 'none.jsonl')])).rejects.toThrow('there is no such file');
  await expect(replayed([folder])).rejects.toThrow('is a folder');
});
