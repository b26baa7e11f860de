import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { calibrate, type CalibrationState, NOTHING_LEARNT } from '../core/tokens/calibration.ts';
import { tokenInput } from './token-input.ts';
import { registerTokens } from './tokens-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-tokens-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Surroundings {
  readonly stdin?: string | Uint8Array;
  readonly calibration?: CalibrationState;
}

/** What the command prints. */
async function printed(words: readonly string[], { stdin = '', calibration = NOTHING_LEARNT }: Surroundings = {}) {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const program = new Command();
  const chunks = [typeof stdin === 'string' ? Buffer.from(stdin) : stdin];
  registerTokens(program, {
    stdin: (async function* () {
      yield* chunks;
    })(),
    calibration: () => Promise.resolve(calibration),
  });
  await program.parseAsync(['tokens', ...words], { from: 'user' }).finally(() => log.mockRestore());
  return lines.join('\n');
}

async function counted(words: readonly string[], surroundings?: Surroundings): Promise<Record<string, unknown>[]> {
  return JSON.parse(await printed([...words, '--json'], surroundings)) as Record<string, unknown>[];
}

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const CHAT = { model: 'gpt-4o', messages: [{ role: 'user', content: 'What is the capital of France?' }] };

describe('what is counted', () => {
  test('a request for OpenAI is counted to the token and priced, at the model that it names', async () => {
    const [entry] = await counted([await file('chat.json', CHAT)]);
    expect(entry).toMatchObject({
      kind: 'chat',
      provider: 'openai',
      model: 'gpt-4o',
      tokens: 14,
      isExact: true,
      expectedErrorRatio: 0,
      parts: { messageTokens: 7, toolTokens: 0, imageTokens: 0, formatTokens: 0, constantTokens: 7 },
      inputUsd: '0.000035',
    });
  });

  test('a text is counted as it stands, from standard input, without a frame', async () => {
    const [entry] = await counted(['--model', 'gpt-4o'], { stdin: 'What is the capital of France?' });
    expect(entry).toMatchObject({ file: '-', kind: 'text', tokens: 7, isExact: true, parts: null });
  });

  test('a model without a public vocabulary is an estimate, with the error to expect', async () => {
    const path = await file('text.txt', 'What is the capital of France?');
    const table = await printed(['-m', 'anthropic/claude-sonnet-4-5', path, path]);
    expect(table).toMatch(/estimate, within \d+\.\d % in nine of ten calls/);
    expect(table).toMatch(/^16 tokens in all$/m);
  });

  test('a model without a price is counted without one', async () => {
    const [entry] = await counted(['-m', 'nobody/nothing'], { stdin: 'hello' });
    expect(entry).toMatchObject({ inputUsd: null, model: 'nothing', provider: 'nobody' });
  });

  test('what was learnt from replies moves an estimate and its error, never an exact count', async () => {
    const request = {
      model: 'claude-sonnet-4-5',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'Hi there, you' }],
    };
    const path = await file('messages.json', request);
    const [before] = await counted([path]);
    const target = { target: 'anthropic/claude-sonnet-4-5', hasTools: false };
    let calibration = NOTHING_LEARNT;
    for (const size of [10, 11, 12, 13]) {
      calibration = calibrate(calibration, { ...target, estimateTokens: size, actualTokens: size + 100 });
    }
    const [after] = await counted([path], { calibration });
    expect(Number(after?.['tokens'])).toBe(Number(before?.['tokens']) + 100);
    expect(after?.['calibrationCalls']).toBe(4);
    expect(await printed([path], { calibration })).toContain('% off in the last 4 calls');
    expect((await counted([await file('exact.json', CHAT)], { calibration }))[0]).toMatchObject({ tokens: 14 });
  });

  test('what cannot be counted is said', async () => {
    const part = { type: 'file', file: { file_id: 'file-1' } };
    const path = await file('part.json', { ...CHAT, messages: [{ role: 'user', content: [part] }] });
    expect(await printed([path])).toContain('without what cannot be counted here');
    expect((await counted([path]))[0]).toMatchObject({ isPartial: true, boundTokens: null });
  });
});

describe('what a file is taken for', () => {
  const kindOf = (body: unknown): string => tokenInput('f', JSON.stringify(body), undefined).kind;

  test('a request by its fields, anything else for a text', () => {
    const messages = [{ role: 'user', content: 'hi' }];
    expect(kindOf({ messages })).toBe('chat');
    expect(kindOf({ messages, system: 'be kind' })).toBe('messages');
    expect(kindOf({ messages, tools: [{ name: 'a', input_schema: {} }] })).toBe('messages');
    expect(kindOf({ model: 'anthropic/claude-sonnet-4.5', messages })).toBe('messages');
    expect(kindOf({ model: 'gpt-5', input: 'hi' })).toBe('responses');
    expect(kindOf({ input: 'hi' })).toBe('text');
    expect(kindOf({ any: 'thing' })).toBe('text');
    expect(kindOf(['messages'])).toBe('text');
    expect(tokenInput('f', '{"messages": [', undefined).kind).toBe('text');
    expect(tokenInput('f', JSON.stringify({ messages }), 'text').kind).toBe('text');
  });

  test('a request that names no model takes the one that is asked for', async () => {
    const path = await file('bare.json', { messages: CHAT.messages });
    expect((await counted(['-m', 'gpt-4o', path]))[0]).toMatchObject({ kind: 'chat', tokens: 14 });
    await expect(printed([path])).rejects.toThrow('names no model; say --model <model>');
  });
});

describe('faults are named', () => {
  test.each([
    ['a file that is not there', 'none.txt', /none\.txt: there is no such file/],
    ['a folder', '.', /is a folder/],
  ])('%s', async (_, name, message) => {
    await expect(printed(['-m', 'gpt-4o', join(folder, name)])).rejects.toThrow(message);
  });

  test('binary data and text in another encoding', async () => {
    const model = ['-m', 'gpt-4o'];
    await expect(printed(model, { stdin: Uint8Array.of(0x89, 0x50, 0, 1) })).rejects.toThrow(
      '-: is not a text, but binary',
    );
    await expect(printed(model, { stdin: Uint8Array.of(0x68, 0xff) })).rejects.toThrow('-: is not a text in UTF-8');
  });

  test('what is said to be a request and is none', async () => {
    const asked = ['-m', 'gpt-4o', '--endpoint', 'chat'];
    await expect(printed(asked, { stdin: 'hello' })).rejects.toThrow('is not a request');
    await expect(printed(asked, { stdin: '{"messages": 5}' })).rejects.toThrow(/is not a chat request: .*messages/);
  });
});
