import { expect, test } from 'vitest';
import { continuationWay } from './continuation-way.ts';

const messages = { endpoint: 'messages', body: {} } as const;
const chat = { endpoint: 'chat', body: {} } as const;

test.each([
  'claude-3-opus-20240229',
  'claude-3-5-sonnet-latest',
  'claude-3-7-sonnet-20250219',
  'claude-sonnet-4-20250514',
  'claude-opus-4-1',
  'claude-sonnet-4-5',
  'claude-haiku-4-5-20251001',
  'claude-opus-4-5-20251101',
])('%s takes a prefill', (model) => {
  expect(continuationWay(messages, 'anthropic', model)).toBe('prefill');
});

test.each([
  'claude-opus-4-6',
  'claude-sonnet-4-6-20260217',
  'claude-opus-4-8',
  'claude-sonnet-5',
  'claude-haiku-5-5',
  'other',
])('%s is asked in words', (model) => {
  expect(continuationWay(messages, 'anthropic', model)).toBe('instruct');
});

test('a Claude model that thinks or is bound to a format takes no prefill', () => {
  const way = (body: Readonly<Record<string, unknown>>): string =>
    continuationWay({ endpoint: 'messages', body }, 'anthropic', 'claude-sonnet-4-5');
  expect(way({ thinking: { type: 'enabled', budget_tokens: 2000 } })).toBe('instruct');
  expect(way({ thinking: { type: 'disabled' } })).toBe('prefill');
  expect(way({ output_config: { format: { type: 'json_schema', schema: {} } } })).toBe('instruct');
  expect(way({ output_config: { effort: 'low' } })).toBe('prefill');
});

test('Mistral takes a prefix, but not of reasoning models, nor behind a prefix of the caller', () => {
  expect(continuationWay(chat, 'mistral', 'mistral-large-latest')).toBe('prefix');
  expect(continuationWay(chat, 'mistral', 'magistral-medium-latest')).toBe('instruct');
  const body = { messages: [{ role: 'user' }, { role: 'assistant', prefix: true }] };
  expect(continuationWay({ endpoint: 'chat', body }, 'mistral', 'mistral-large-latest')).toBe('instruct');
  expect(continuationWay({ endpoint: 'chat', body: { reasoning_effort: 'high' } }, 'mistral', 'm')).toBe('instruct');
  expect(
    continuationWay({ endpoint: 'chat', body: { response_format: { type: 'json_object' } } }, 'mistral', 'm'),
  ).toBe('instruct');
});

test('whoever is not known to take more is asked in words', () => {
  expect(continuationWay(chat, 'openai', 'gpt-5.5')).toBe('instruct');
  expect(continuationWay({ endpoint: 'responses', body: {} }, 'openai', 'gpt-5.5')).toBe('instruct');
  expect(continuationWay(chat, 'deepseek', 'deepseek-v4-pro')).toBe('instruct');
  expect(continuationWay(chat, 'openrouter', 'anthropic/claude-sonnet-4.5')).toBe('instruct');
  expect(continuationWay(messages, undefined, 'claude-sonnet-4-5')).toBe('instruct');
});
