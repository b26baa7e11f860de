import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { registerCompress } from './compress-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-compress-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Printed {
  readonly output: string;
  readonly summary: string;
}

/** What the command writes, to standard output and beside it. */
async function compressed(words: readonly string[], stdin = ''): Promise<Printed> {
  const output: string[] = [];
  const summary: string[] = [];
  const error = vi.spyOn(console, 'error').mockImplementation((line: string) => void summary.push(line));
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  registerCompress(program, {
    stdin: (async function* () {
      yield Buffer.from(stdin);
    })(),
    write: (text) => void output.push(text),
  });
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
  await program.parseAsync(['compress', ...words], { from: 'user' }).finally(() => error.mockRestore());
  return { output: output.join(''), summary: summary.join('\n') };
}

const RECORDS = JSON.stringify(
  Array.from({ length: 12 }, (_, id) => ({ id, name: `user ${id}`, isActive: id % 2 === 0 })),
  undefined,
  2,
);
const TEXT = `The users:\n\n${RECORDS}\n`;
const REPORTS = Array.from({ length: 60 }, (_, index) =>
  index === 37
    ? 'The mint of Bristol struck the farthing in 1613.'
    : `Report ${index} tells of the weather over the sea.`,
).join(' ');

describe('a text', () => {
  test('comes out shorter, with one line of what saved how much beside it', async () => {
    const { output, summary } = await compressed([], TEXT);
    expect(output).toBe(`The users:\n\n${JSON.stringify(JSON.parse(RECORDS))}\n`);
    expect(summary).toMatch(/^\d+ -> \d+ tokens \(-\d+\.\d %\): json-minify@1 -\d+$/);
  });

  test('from a file, at a level', async () => {
    const path = join(folder, 'text.txt');
    await writeFile(path, TEXT);
    const { output, summary } = await compressed([path, '--level', 'structural']);
    expect(output.length).toBeLessThan(JSON.stringify(JSON.parse(RECORDS)).length);
    expect(summary).toContain('json-records@1');
  });

  test('with nothing to do comes out byte for byte', async () => {
    expect(await compressed([], 'Hello.')).toEqual({
      output: 'Hello.',
      summary: '2 -> 2 tokens (-0.0 %), nothing to do',
    });
    expect((await compressed([], '')).output).toBe('');
  });

  test('is extracted from for a question, to a share or a number of tokens', async () => {
    const question = ['--level', 'extractive', '--query', 'Which mint struck the farthing?'];
    const share = await compressed([...question, '--keep', '0.1'], REPORTS);
    expect(share.output).toContain('The mint of Bristol');
    const capped = await compressed([...question, '--max-tokens', '50', '--json'], REPORTS);
    const result = JSON.parse(capped.output) as { tokensAfter: number; result: string };
    expect(result.tokensAfter).toBeLessThanOrEqual(50);
    expect(result.result).toContain('The mint of Bristol');
  });

  test('without a question that can be told stays, and it is said why', async () => {
    const { output, summary } = await compressed(['-l', 'extractive'], REPORTS);
    expect(output).toBe(REPORTS);
    expect(summary).toContain('nothing was extracted: it is not clear what is asked; say --query');
  });

  test('of a model without a public vocabulary is counted about', async () => {
    expect((await compressed(['-m', 'claude-sonnet-5'], TEXT)).summary).toMatch(/^about \d+ -> \d+ tokens/);
  });
});

describe('a request', () => {
  const head = '{ "seed": 12345678901234567890,\n "temperature": 1.0, "messages": [ {"role": "user", "content": ';

  test('comes out with its texts changed and every other byte as it was', async () => {
    const { output, summary } = await compressed([], `${head}${JSON.stringify(TEXT)}} ] }\n`);
    expect(output).toBe(`${head}${JSON.stringify(`The users:\n\n${JSON.stringify(JSON.parse(RECORDS))}\n`)}} ] }\n`);
    expect(summary).toContain('json-minify@1');
  });

  test('is counted for the model that it names', async () => {
    const request = { model: 'claude-sonnet-5', max_tokens: 5, messages: [{ role: 'user', content: TEXT }] };
    expect((await compressed([], JSON.stringify(request))).summary).toMatch(/^about /);
    expect((await compressed(['-m', 'gpt-4o', '--endpoint', 'chat'], JSON.stringify(request))).summary).toMatch(/^\d/);
  });

  test('may be taken for a text', async () => {
    const { output } = await compressed(
      ['--endpoint', 'text'],
      '{ "messages": [\n   {"role": "user",   "content": "hi"} ] }',
    );
    expect(output).toBe('{"messages":[{"role":"user","content":"hi"}]}');
  });
});

describe('a review', () => {
  test('shows what changes instead of the result', async () => {
    const { output } = await compressed(['--diff'], TEXT);
    expect(output).toMatch(/^--- -\n\+\+\+ -\n@@ -1,\d+ \+1,3 @@\n The users:\n \n-\[\n/);
    expect(output).toMatch(/\n\+\[\{"id":0,[^\n]*\n$/);
  });

  test('names the place in a request', async () => {
    const request = { model: 'gpt-4o', messages: [{ role: 'user', content: TEXT }] };
    expect((await compressed(['-d'], JSON.stringify(request))).output).toMatch(/^--- - messages\[0\]\.content\n/);
  });

  test('as JSON has all steps with what went and came', async () => {
    const { output } = await compressed(['--json', '--diff'], TEXT);
    expect(JSON.parse(output)).toMatchObject({
      file: '-',
      isExact: true,
      steps: [{ at: '', transform: 'json-minify@1' }],
      skipped: [],
      diff: [{ at: '' }],
      result: `The users:\n\n${JSON.stringify(JSON.parse(RECORDS))}\n`,
    });
  });
});

test('a system prompt is tightened, and what contradicts itself in it is listed', async () => {
  const prompt = 'Always answer in English.\nBe brief.\nAlways answer in English.\nNever answer in English.\n';
  const { output, summary } = await compressed(['--system'], prompt);
  expect(output.match(/Always answer/g)).toHaveLength(1);
  expect(summary).toMatch(/contradiction \(\w+\): "Always answer in English\." \/ "Never answer in English\."/);
});

test.each([
  [['--level', 'much'], /choices|Allowed/],
  [['--keep', '2'], /above 0 and below 1/],
  [['--max-tokens', '0'], /whole number above 0/],
  [['--keep', '0.5'], /are for --level extractive/],
  [['--system', '--level', 'light'], /cannot be used with/],
  [['--system', '--query', 'what?'], /--system takes neither/],
  [['--model', ''], /--model must be the name of a model/],
  [['nowhere.txt'], /nowhere\.txt: there is no such file/],
  [['--endpoint', 'chat'], /is not a request/],
])('a command line that makes no sense is refused: %j', async (words, message) => {
  await expect(compressed(words, TEXT)).rejects.toThrow(message);
});
