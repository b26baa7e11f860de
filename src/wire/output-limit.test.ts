import { expect, test } from 'vitest';
import type { Endpoint } from '../core/model/protocol.ts';
import { decodeRequest } from './decode-request.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { outputFloor, outputLimitMembers } from './output-limit.ts';
import { spliceRequest } from './splice-request.ts';

const MESSAGES = [{ role: 'user', content: 'hi' }];

function decoded(endpoint: Endpoint, fields: object): DecodedRequest {
  return decodeRequest(endpoint, new TextEncoder().encode(JSON.stringify({ model: 'm', ...fields })));
}

function sent(endpoint: Endpoint, fields: object, vendor?: string): object {
  const request = decoded(endpoint, fields);
  const bytes = spliceRequest(request, { members: outputLimitMembers(request, 2_000, vendor) });
  return JSON.parse(new TextDecoder().decode(bytes)) as object;
}

test('the limit goes where each API reads it', () => {
  expect(sent('responses', { input: 'hi' })).toEqual({ model: 'm', input: 'hi', max_output_tokens: 2_000 });
  expect(sent('messages', { messages: MESSAGES, max_tokens: 9_000 })).toEqual({
    model: 'm',
    messages: MESSAGES,
    max_tokens: 2_000,
  });
  expect(outputLimitMembers(decoded('embeddings', { input: 'hi' }), 2_000, 'openai')).toEqual({});
  expect(outputLimitMembers(decoded('count-tokens', { messages: MESSAGES }), 2_000, 'anthropic')).toEqual({});
});

test('in chat the caller’s own name is kept, both where both are there', () => {
  const base = { model: 'm', messages: MESSAGES };
  expect(sent('chat', { messages: MESSAGES, max_tokens: 5_000 }, 'openai')).toEqual({ ...base, max_tokens: 2_000 });
  expect(sent('chat', { messages: MESSAGES, max_completion_tokens: 5_000 }, 'groq')).toEqual({
    ...base,
    max_completion_tokens: 2_000,
  });
  expect(sent('chat', { messages: MESSAGES, max_tokens: 9_000, max_completion_tokens: 8_000 })).toEqual({
    ...base,
    max_tokens: 2_000,
    max_completion_tokens: 2_000,
  });
});

test('in chat without a limit OpenAI gets its newer name, all others the one that everybody knows', () => {
  const base = { model: 'm', messages: MESSAGES };
  expect(sent('chat', { messages: MESSAGES }, 'openai')).toEqual({ ...base, max_completion_tokens: 2_000 });
  expect(sent('chat', { messages: MESSAGES }, 'mistral')).toEqual({ ...base, max_tokens: 2_000 });
  expect(sent('chat', { messages: MESSAGES })).toEqual({ ...base, max_tokens: 2_000 });
  expect(sent('chat', { messages: MESSAGES, max_tokens: null }, 'mistral')).toEqual({ ...base, max_tokens: 2_000 });
});

test('a limit leaves room for the thinking budget and 1,024 tokens', () => {
  const thinking = { type: 'enabled', budget_tokens: 4_096 };
  expect(outputFloor(decoded('messages', { messages: MESSAGES, max_tokens: 9_000, thinking }))).toBe(5_120);
  expect(outputFloor(decoded('messages', { messages: MESSAGES, max_tokens: 9_000 }))).toBe(1_024);
  expect(outputFloor(decoded('chat', { messages: MESSAGES, reasoning: { max_tokens: 2_000 } }))).toBe(3_024);
  expect(outputFloor(decoded('responses', { input: 'hi', reasoning: { effort: 'high' } }))).toBe(1_024);
});
