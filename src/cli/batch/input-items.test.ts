import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { inputFormat } from './input-format.ts';
import { inputItems, type InputSource, openInput } from './input-items.ts';

const folder = mkdtempSync(join(tmpdir(), 'farthing-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(name: string, text: string, source: Partial<InputSource> = {}): Promise<readonly unknown[]> {
  const path = join(folder, name);
  writeFileSync(path, text);
  const input = await openInput({ path, format: undefined, template: undefined, model: 'm', ...source });
  const items = [];
  for await (const item of inputItems(input)) items.push(item);
  return items;
}

test('a format is told by the extension and the first line', () => {
  expect(inputFormat('a.csv', '{"custom_id":1')).toBe('csv');
  expect(inputFormat('a.txt', '{"custom_id":"a","params":{}}')).toBe('requests');
  expect(inputFormat('a.jsonl', '{"broken')).toBe('requests');
  expect(inputFormat('a.jsonl', 'Say hello')).toBe('lines');
  expect(inputFormat('a.jsonl', '"Say hello"')).toBe('prompts');
  expect(inputFormat('a.jsonl', '{"prompt":"Say hello"}')).toBe('prompts');
  expect(inputFormat('a.jsonl', '{"prompt":"a","custom_id":"b"}')).toBe('requests');
  expect(inputFormat('a.txt', '"Say hello"')).toBe('lines');
  expect(inputFormat('a.txt', '{name} is a placeholder')).toBe('lines');
});

test('a prompt a line: without its line end, empty lines left out, its line kept', async () => {
  expect(await read('a.txt', '\uFEFFone\r\n\n two \n')).toEqual([
    { kind: 'prompt', line: 1, prompt: 'one' },
    { kind: 'prompt', line: 3, prompt: ' two ' },
  ]);
});

test('prompts that stand as JSON are taken for what they mean, with settings of their own; what else a line holds is a fault', async () => {
  const lines = [
    '"one\\n\\"two\\""',
    '{"prompt":"three","system":"s","model":"n","maxOutputTokens":5,"temperature":0}',
    '{"prompt":"four","lang":"fr"}',
    '{"prompt":"five","temperature":"hot"}',
    '{"text":"six"}',
    '["seven"]',
    'eight',
    '{"prompt":"nine","__proto__":"ten"}',
  ];
  expect(await read('a.jsonl', lines.join('\n'), { model: undefined })).toEqual([
    { kind: 'prompt', line: 1, prompt: 'one\n"two"', own: {} },
    {
      kind: 'prompt',
      line: 2,
      prompt: 'three',
      own: { system: 's', model: 'n', maxOutputTokens: 5, temperature: 0 },
    },
    { kind: 'fault', line: 3, problem: 'lang is none of prompt, system, model, maxOutputTokens, temperature' },
    { kind: 'fault', line: 4, problem: 'temperature is not a number' },
    { kind: 'fault', line: 5, problem: 'has no prompt' },
    { kind: 'fault', line: 6, problem: 'is neither a text nor an object with a prompt' },
    { kind: 'fault', line: 7, problem: 'is not JSON (column 1)' },
    { kind: 'fault', line: 8, problem: '__proto__ is none of prompt, system, model, maxOutputTokens, temperature' },
  ]);
});

test('records of a CSV file fill the template; one with other fields than the head is a fault', async () => {
  const text = 'text,lang\n"Hello, ""you""\nthere",French\nalone\nBye,German\n';
  expect(await read('a.csv', text, { template: 'Translate {text} into {lang}' })).toEqual([
    { kind: 'prompt', line: 2, prompt: 'Translate Hello, "you"\nthere into French' },
    { kind: 'fault', line: 4, problem: 'has 1 fields, and not 2' },
    { kind: 'prompt', line: 5, prompt: 'Translate Bye into German' },
  ]);
});

test('options that do not fit the input are refused before anything else', async () => {
  await expect(read('b.csv', 'a\nb\n')).rejects.toThrow('needs --template');
  await expect(read('b.txt', 'a', { template: '{a}' })).rejects.toThrow('--template is for CSV files');
  await expect(read('b.txt', 'a', { model: undefined })).rejects.toThrow('say --model <model>');
  await expect(read('empty.txt', '\n\n')).rejects.toThrow('is empty');
  await expect(
    openInput({ path: join(folder, 'none'), format: undefined, template: undefined, model: 'm' }),
  ).rejects.toThrow('there is no such file');
});
