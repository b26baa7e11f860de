import { expect, test } from 'vitest';
import { encodingOfModel } from './encoding-of-model.ts';

const O200K = [
  'gpt-4o',
  'gpt-4o-mini-2024-07-18',
  'chatgpt-4o-latest',
  'gpt-4.1-nano',
  'gpt-4.5-preview',
  'gpt-5',
  'gpt-5.4-mini-2026-03-17',
  'gpt-5.6-sol',
  'gpt-5-codex',
  'codex-mini-latest',
  'computer-use-preview',
  'o1',
  'o1-preview',
  'o3-mini-2025-01-31',
  'o4-mini',
  'gpt-oss-120b',
  'gpt-oss:20b',
  'gpt-realtime',
];
const CL100K = [
  'gpt-4',
  'gpt-4-0613',
  'gpt-4-32k',
  'gpt-4-turbo-2024-04-09',
  'gpt-4-vision-preview',
  'gpt-3.5-turbo',
  'gpt-3.5-turbo-instruct',
  'gpt-35-turbo',
  'text-embedding-3-small',
  'text-embedding-3-large',
  'text-embedding-ada-002',
  'davinci-002',
];
const OTHERS = [
  'claude-sonnet-4-5',
  'anthropic/claude-opus-4.8',
  'gemini-3-pro',
  'mistral-large-latest',
  'open-mistral-7b',
  'llama-3.3-70b-versatile',
  'meta-llama/llama-4-scout',
  'qwen3-coder',
  'deepseek-chat',
  'command-r',
  'gpt-j-6b',
  'gpt-neox-20b',
  'text-embedding-004',
  'text-davinci-003',
  'davinci',
  'olmo-2',
  'orca',
  '',
  '/',
  'ft:',
  'ft:claude:x',
];

test.each(O200K)('%s has o200k_base', (model) => {
  expect(encodingOfModel(model)).toBe('o200k_base');
});

test.each(CL100K)('%s has cl100k_base', (model) => {
  expect(encodingOfModel(model)).toBe('cl100k_base');
});

test.each(OTHERS)('%s has no encoding that is shipped', (model) => {
  expect(encodingOfModel(model)).toBeUndefined();
});

test('a vendor, a provider before it and capital letters change nothing', () => {
  for (const model of O200K) expect(encodingOfModel(`backup/openai/${model.toUpperCase()}`)).toBe('o200k_base');
  for (const model of CL100K) expect(encodingOfModel(`openai/${model}`)).toBe('cl100k_base');
  expect(encodingOfModel('groq/openai/gpt-oss-20b')).toBe('o200k_base');
});

test('a fine-tuned model has the encoding of its base', () => {
  expect(encodingOfModel('ft:gpt-4o-mini-2024-07-18:team::AbC123')).toBe('o200k_base');
  expect(encodingOfModel('openai/ft:gpt-3.5-turbo-0613:team::x')).toBe('cl100k_base');
  expect(encodingOfModel('ft:gpt-4-0613:team')).toBe('cl100k_base');
});

test('a model of OpenAI that is not known has the newest encoding', () => {
  expect(encodingOfModel('openai/some-model-of-next-year')).toBe('o200k_base');
  expect(encodingOfModel('gpt-9-ultra')).toBe('o200k_base');
  expect(encodingOfModel('o11-mini')).toBe('o200k_base');
});
