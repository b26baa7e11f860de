import { expect, test } from 'vitest';
import { profileOfModel } from './profile-of-model.ts';

test.each([
  ['gpt-4o-2024-08-06', 'openai'],
  ['ft:gpt-4o-mini:acme::x1', 'openai'],
  ['openai/gpt-4.1', 'openai'],
  ['gpt-4-turbo', 'openai-cl100k'],
  ['gpt-3.5-turbo', 'openai-cl100k'],
  ['gpt-5.6-sol', 'openai-reasoning'],
  ['gpt-9-never-heard-of', 'openai-reasoning'],
  ['o4-mini', 'openai-reasoning'],
  ['openai/gpt-oss-120b', 'gpt-oss'],
  ['claude-sonnet-4-5-20250929', 'claude-4.5'],
  ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-4.5'],
  ['anthropic/claude-sonnet-4.6', 'claude-4.5'],
  ['claude-sonnet-4-20250514', 'claude-4.0'],
  ['claude-opus-4-1', 'claude-4.0'],
  ['claude-opus-4-8', 'claude-5'],
  ['claude-next-9', 'claude-5'],
  ['google/gemini-2.5-flash', 'gemini-2.5'],
  ['models/gemini-3-pro-preview', 'gemini-3'],
  ['meta-llama/llama-4-scout', 'llama'],
  ['us.amazon.nova-2-lite-v1:0', 'nova-2'],
  ['us.deepseek.r1-v1:0', 'deepseek'],
  ['QWEN/Qwen3-32B', 'qwen'],
  ['somebody/anything', 'unknown'],
  ['', 'unknown'],
])('%s is counted by the rules %s', (model, id) => {
  expect(profileOfModel({ model }).id).toBe(id);
});

test('a row that names the provider or the endpoint wins over one that does not', () => {
  expect(profileOfModel({ model: 'gpt-4o', endpoint: 'responses' }).id).toBe('openai-responses');
  expect(profileOfModel({ model: 'gpt-4o', endpoint: 'chat' }).id).toBe('openai');
  expect(profileOfModel({ model: 'openai/gpt-oss-20b', provider: 'groq' }).id).toBe('gpt-oss-groq');
  expect(profileOfModel({ model: 'gemini-3-flash', provider: 'google-vertex' }).id).toBe('gemini-vertex');
});

test('only vocabularies that are public are counted to the token', () => {
  expect(profileOfModel({ model: 'gpt-4o' }).isExact).toBe(true);
  for (const model of ['claude-sonnet-4-5', 'gemini-2.5-pro', 'mistral-large', 'gpt-oss-20b', 'x']) {
    expect(profileOfModel({ model }).isExact).toBe(false);
  }
});

test.each([
  ['gpt-4o-mini-2024-07-18', 'o200k_base'],
  ['chatgpt-4o-latest', 'o200k_base'],
  ['gpt-4.1-nano', 'o200k_base'],
  ['gpt-4.5-preview', 'o200k_base'],
  ['gpt-5.4-mini-2026-03-17', 'o200k_base'],
  ['o3-mini-2025-01-31', 'o200k_base'],
  ['gpt-oss:20b', 'o200k_base'],
  ['backup/openai/GPT-5', 'o200k_base'],
  ['openai/some-model-of-next-year', 'o200k_base'],
  ['o11-mini', 'o200k_base'],
  ['gpt-4', 'cl100k_base'],
  ['gpt-4-turbo-2024-04-09', 'cl100k_base'],
  ['gpt-3.5-turbo-instruct', 'cl100k_base'],
  ['gpt-35-turbo', 'cl100k_base'],
  ['openai/ft:gpt-3.5-turbo-0613:team::x', 'cl100k_base'],
  ['ft:gpt-4-0613:team', 'cl100k_base'],
  ['text-embedding-3-large', 'cl100k_base'],
  ['text-embedding-ada-002', 'cl100k_base'],
  ['davinci-002', 'cl100k_base'],
])('%s has the vocabulary %s; a model of OpenAI that is not known the newest', (model, encoding) => {
  expect(profileOfModel({ model }).encoding).toBe(encoding);
});
