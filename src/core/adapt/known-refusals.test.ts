import { expect, test } from 'vitest';
import { knownRefusals } from './known-refusals.ts';

const SAMPLING = ['temperature_unless_1', 'top_p_unless_1'];

function known(...asked: Parameters<typeof knownRefusals>): readonly string[] {
  return [...knownRefusals(...asked)].toSorted();
}

test('a reasoning model of OpenAI wants max_completion_tokens and no sampling', () => {
  expect(known('chat', 'openai', 'o3-mini')).toEqual(
    [
      'max_tokens',
      ...SAMPLING,
      'presence_penalty',
      'frequency_penalty',
      'logprobs',
      'top_logprobs',
      'logit_bias',
      'top_k',
    ].toSorted(),
  );
  expect(known('responses', 'openai', 'gpt-5')).toEqual(SAMPLING);
  expect(known('chat', 'azure', 'gpt-5')).toContain('max_tokens');
});

test('a model that takes sampling with effort none is known to refuse the older limit only', () => {
  expect(known('chat', 'openai', 'gpt-5.4')).toEqual(['max_tokens', 'top_k']);
  expect(known('responses', 'openai', 'gpt-5.4')).toEqual([]);
});

test('the Claude models since Opus 4.7 refuse sampling, those before it both samplers at once', () => {
  expect(known('messages', 'anthropic', 'claude-opus-4-7')).toEqual([...SAMPLING, 'top_k'].toSorted());
  expect(known('messages', 'anthropic', 'claude-sonnet-5')).toEqual([...SAMPLING, 'top_k'].toSorted());
  expect(known('messages', 'anthropic', 'claude-sonnet-4-5')).toEqual(['top_p_beside_temperature']);
  expect(known('messages', 'anthropic', 'claude-3-haiku-20240307')).toEqual([]);
});

test('a search preview refuses sampling parameters with any value', () => {
  expect(known('chat', 'openai', 'gpt-4o-search-preview')).toEqual(
    ['temperature', 'top_p', 'presence_penalty', 'frequency_penalty', 'top_k'].toSorted(),
  );
});

test('a dated snapshot counts as the model', () => {
  expect(known('chat', 'openai', 'o3-mini-2025-01-31')).toEqual(known('chat', 'openai', 'o3-mini'));
  expect(known('chat', 'openai', 'gpt-5.4-2026-03-05')).toContain('max_tokens');
  expect(known('messages', 'anthropic', 'claude-sonnet-4-5-20250929')).toEqual(['top_p_beside_temperature']);
});

test('a name that only resembles a known one is not known', () => {
  for (const model of [
    'gpt-5-chat-latest',
    'gpt-5.3-chat-latest',
    'o3-mini-fast',
    'O3',
    'gpt-4o',
    'gpt-50',
    'constructor',
    '',
  ]) {
    expect(known('chat', 'openai', model)).toEqual(['top_k']);
  }
  for (const model of ['claude-sonnet-5-6', 'claude-opus-4-6', 'anthropic/claude-sonnet-5', '__proto__']) {
    expect(known('messages', 'anthropic', model)).toEqual([]);
  }
});

test('another vendor or endpoint is another matter, and an unknown vendor refuses nothing', () => {
  expect(known('chat', 'openrouter', 'o3-mini')).toEqual([]);
  expect(known('chat', undefined, 'o3-mini')).toEqual([]);
  expect(known('embeddings', 'openai', 'o3-mini')).toEqual([]);
  expect(known('chat', 'mistral', 'whatever')).toEqual(['max_completion_tokens']);
});
