import Anthropic, { APIError as AnthropicApiError } from '@anthropic-ai/sdk';
import OpenAI, { APIError } from 'openai';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, FarthingError } from '../core/errors.ts';
import { errorBody, errorEvent } from './error-body.ts';

const badRole = new FarthingError('invalid-request', '`messages[0].role` must be a string', {
  param: 'messages[0].role',
});
const broken = new FarthingError('provider-broken', 'the provider broke off', { cause: new Error('secret') });

describe('whole', () => {
  test('OpenAI gets message, type, param and code', () => {
    expect(JSON.parse(errorBody('openai', badRole, 'req_1'))).toEqual({
      error: {
        message: '`messages[0].role` must be a string',
        type: 'invalid_request_error',
        param: 'messages[0].role',
        code: 'invalid_request',
      },
    });
  });

  test('Anthropic gets type, message and the request id', () => {
    expect(JSON.parse(errorBody('anthropic', badRole, 'req_1'))).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: '`messages[0].role` must be a string' },
      request_id: 'req_1',
    });
  });

  test('the cause is not told', () => {
    expect(errorBody('openai', broken, '') + errorBody('anthropic', broken, '')).not.toContain('secret');
  });

  test.each<[ErrorCode, string, string, string]>([
    ['unauthenticated', 'authentication_error', 'invalid_api_key', 'authentication_error'],
    ['forbidden', 'permission_error', 'forbidden', 'permission_error'],
    ['model-not-found', 'not_found_error', 'model_not_found', 'not_found_error'],
    ['payload-too-large', 'invalid_request_error', 'payload_too_large', 'request_too_large'],
    ['unsupported-media-type', 'invalid_request_error', 'unsupported_media_type', 'invalid_request_error'],
    ['provider-failed', 'server_error', 'provider_failed', 'api_error'],
    ['provider-timeout', 'server_error', 'provider_timeout', 'timeout_error'],
    ['overloaded', 'server_error', 'server_is_overloaded', 'overloaded_error'],
    ['internal', 'server_error', 'internal', 'api_error'],
  ])('%s has a type in both protocols', (code, openaiType, openaiCode, anthropicType) => {
    const error = new FarthingError(code, 'x');
    expect(JSON.parse(errorBody('openai', error, ''))).toMatchObject({ error: { type: openaiType, code: openaiCode } });
    expect(JSON.parse(errorBody('anthropic', error, ''))).toMatchObject({ error: { type: anthropicType } });
  });

  test.each<[number, string, string]>([
    [402, 'insufficient_quota', 'billing_error'],
    [429, 'rate_limit_error', 'rate_limit_error'],
    [529, 'server_error', 'overloaded_error'],
  ])('a status of its own, %i, decides the type', (status, openaiType, anthropicType) => {
    const error = new FarthingError('provider-failed', 'x', { status });
    expect(JSON.parse(errorBody('openai', error, ''))).toMatchObject({ error: { type: openaiType } });
    expect(JSON.parse(errorBody('anthropic', error, ''))).toMatchObject({ error: { type: anthropicType } });
  });
});

function streamOf(text: string): () => Promise<Response> {
  return async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } });
}

async function thrownBy(stream: Promise<AsyncIterable<unknown>>): Promise<unknown> {
  try {
    const events: unknown[] = [];
    for await (const event of await stream) events.push(event);
    return events;
  } catch (error) {
    return error;
  }
}

describe('in a stream', () => {
  test("OpenAI's client raises it in a chat stream", async () => {
    const client = new OpenAI({ apiKey: 'x', fetch: streamOf(errorEvent('chat', broken, 'req_1')), maxRetries: 0 });
    const error = await thrownBy(client.chat.completions.create({ model: 'm', messages: [], stream: true }));
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'provider_broken', type: 'server_error', message: 'the provider broke off' });
  });

  test("OpenAI's client raises it in a Responses stream", async () => {
    const text = errorEvent('responses', badRole, 'req_1', 7);
    expect(text).toMatch(/^event: error\ndata: \{"type":"error".*"sequence_number":7\}\n\n$/);
    const client = new OpenAI({ apiKey: 'x', fetch: streamOf(text), maxRetries: 0 });
    const error = await thrownBy(client.responses.create({ model: 'm', input: 'x', stream: true }));
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'invalid_request', param: 'messages[0].role' });
  });

  test("Anthropic's client raises it in a messages stream", async () => {
    const text = errorEvent('messages', broken, 'req_1');
    const client = new Anthropic({ apiKey: 'x', fetch: streamOf(text), maxRetries: 0 });
    const error = await thrownBy(client.messages.create({ model: 'm', max_tokens: 1, messages: [], stream: true }));
    expect(error).toBeInstanceOf(AnthropicApiError);
    expect(error).toMatchObject({ type: 'api_error', apiMessage: 'the provider broke off' });
  });
});
