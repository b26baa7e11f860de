import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasData, sharedData } from '../../test/support/shared-data.ts';
import { type FarthingError, isFarthingError } from '../core/errors.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { decodeRequest } from './decode-request.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { isObject } from './request-guards.ts';
import { DEFAULT_REQUEST_LIMITS } from './json-limits.ts';

const utf8 = new TextEncoder();

const EVERY_ENDPOINT: readonly Endpoint[] = ['chat', 'responses', 'embeddings', 'messages', 'count-tokens'];

const SOUND: Readonly<Record<Endpoint, Readonly<Record<string, unknown>>>> = {
  chat: { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  responses: { model: 'm', input: 'hi' },
  embeddings: { model: 'm', input: 'hi' },
  messages: { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] },
  'count-tokens': { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
};

function decode(endpoint: Endpoint, body: unknown): DecodedRequest {
  return decodeRequest(endpoint, utf8.encode(typeof body === 'string' ? body : JSON.stringify(body)));
}

function refusal(action: () => unknown): FarthingError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (isFarthingError(error)) return error;
    throw error;
  }
}

function wants(options: unknown): boolean {
  return decode('chat', { ...SOUND.chat, stream_options: options }).wantsUsageChunk;
}

/** The param of the refusal of a sound body with some fields changed; 'taken' when it is not refused. */
function blamed(endpoint: Endpoint, changes: Readonly<Record<string, unknown>>): string | undefined {
  const error = refusal(() => decode(endpoint, { ...SOUND[endpoint], ...changes }));
  if (error === undefined) return 'taken';
  expect([error.code, error.status]).toEqual(['invalid-request', 400]);
  return error.param;
}

describe('what is learnt', () => {
  test('a chat request', () => {
    const text =
      '\uFEFF {"model":"fast","messages":[{"role":"user","content":null}],"stream":true,"n":3,"max_tokens":9,"zz":1}';
    const found = decode('chat', text);
    expect(found).toMatchObject({
      endpoint: 'chat',
      model: 'fast',
      isStream: true,
      wantsUsageChunk: false,
      samples: 3,
      maxOutputTokens: 9,
    });
    expect(found.text).toBe(text.slice(1));
    expect(found.body['zz']).toBe(1);
    const { valueStart, valueEnd } = found.members.get('model') ?? { valueStart: 0, valueEnd: 0 };
    expect(found.text.slice(valueStart, valueEnd)).toBe('"fast"');
  });

  test('a chat request without anything but the needed', () => {
    const found = decode('chat', SOUND.chat);
    expect(found).toMatchObject({ isStream: false, wantsUsageChunk: false, samples: 1, maxOutputTokens: undefined });
  });

  test('whether the usage chunk is wanted', () => {
    expect([wants({ include_usage: true }), wants({ include_usage: false }), wants({}), wants(null)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('the larger of two output limits', () => {
    expect(decode('chat', { ...SOUND.chat, max_tokens: 10, max_completion_tokens: 7 }).maxOutputTokens).toBe(10);
    expect(decode('chat', { ...SOUND.chat, max_completion_tokens: 7 }).maxOutputTokens).toBe(7);
    expect(decode('responses', { ...SOUND.responses, max_output_tokens: 8 }).maxOutputTokens).toBe(8);
  });

  test('max_tokens 0 warms a prompt cache at Anthropic', () => {
    expect(decode('messages', { ...SOUND.messages, max_tokens: 0, stream: true })).toMatchObject({
      maxOutputTokens: 0,
      isStream: true,
    });
  });

  test('endpoints without streams never stream', () => {
    for (const endpoint of ['embeddings', 'count-tokens'] as const) {
      expect(decode(endpoint, { ...SOUND[endpoint], stream: true }).isStream).toBe(false);
    }
  });
});

describe('the body', () => {
  test.each([
    [new Uint8Array([0x22, 0xff, 0x22]), 'the body is not valid UTF-8'],
    [new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), 'the body is not valid UTF-8'],
    ['', 'the body is empty'],
    [' \n', 'the body is empty'],
    ['[]', 'the body must be a JSON object'],
    ['null', 'the body must be a JSON object'],
    ['"secret"', 'the body must be a JSON object'],
    ['{"a":secret}', 'the body is not valid JSON (at character 5)'],
    ['{"a":1,}', 'the body is not valid JSON (at character 7)'],
    ['{"a":"secret', 'the body is not valid JSON: it ends too early'],
    ['{"a":[1,2', 'the body is not valid JSON: it ends too early'],
    ['{"a":1}}', 'the body is not valid JSON (at character 7)'],
    ['{"a":1,"a":2}', '`a` is there twice'],
    ['{"x":"secret"a":1,{"b":1,"secret":1,"secret":2}:1}', 'the body is not valid JSON (at character 13)'],
    ['{"m":{"__proto__":1}}', '`m.__proto__` is not allowed as a key'],
    [String.raw`{"a":["\ud800"]}`, '`a[0]` holds half of a surrogate pair, which is no text'],
    [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'the body nests deeper than 64 levels'],
  ])('%j is refused: %s', (body, message) => {
    const error = refusal(() => decodeRequest('chat', typeof body === 'string' ? utf8.encode(body) : body));
    expect([error?.code, error?.message, JSON.stringify(error).includes('secret')]).toEqual([
      'invalid-request',
      message,
      false,
    ]);
    expect(String(error?.cause)).not.toContain('secret');
  });

  test('an object of too many keys is refused', () => {
    const wide = Object.fromEntries(Array.from({ length: 4097 }, (_, index) => [`k${index}`, 1]));
    expect(refusal(() => decode('chat', { ...SOUND.chat, logit_bias: wide }))?.message).toBe(
      'an object in the body has more than 4096 keys',
    );
  });

  test('a body of too many objects and arrays is refused', () => {
    const many = Array.from({ length: 65_536 }, () => ({}));
    expect(refusal(() => decode('chat', { ...SOUND.chat, many }))?.message).toBe(
      'the body has more than 65536 objects and arrays',
    );
    expect(refusal(() => decode('chat', { ...SOUND.chat, many: many.slice(1000) }))).toBeUndefined();
  });

  test.each([['a'], [[1]]])(
    'more than 2048 texts of an embeddings request, each %j, are refused; tokens are not texts',
    (text) => {
      const input = Array.from({ length: 2049 }, () => text);
      expect(refusal(() => decode('embeddings', { model: 'm', input }))?.message).toBe(
        '`input` must have at most 2048 entries',
      );
      expect(refusal(() => decode('embeddings', { model: 'm', input: input.slice(1) }))).toBeUndefined();
      expect(refusal(() => decode('embeddings', { model: 'm', input: input.map(() => 1) }))).toBeUndefined();
    },
  );

  test('five million nested arrays cost nothing to refuse', () => {
    expect(refusal(() => decode('chat', '['.repeat(5_000_000) + ']'.repeat(5_000_000)))?.message).toContain(
      'nests deeper',
    );
  });
});

describe('the model', () => {
  test.each([undefined, null, '', 5, ['m'], 'x'.repeat(257), 'a\nb', 'a\u0000', 'a\u0085'])(
    '%j is refused',
    (model) => {
      for (const endpoint of EVERY_ENDPOINT) expect(blamed(endpoint, { model })).toBe('model');
    },
  );

  test.each(['a', 'backup/openai/gpt-5.4-mini', 'x'.repeat(256), 'modèle 😀'])('%j passes', (model) => {
    expect(decode('chat', { ...SOUND.chat, model }).model).toBe(model);
  });
});

describe('fields that name a server or a credential', () => {
  test.each([
    'api_base',
    'apiBase',
    'base_url',
    'baseUrl',
    'baseURL',
    'api_key',
    'apiKey',
    'custom_llm_provider',
    'custom_host',
    'customHost',
    'api_base_url',
    'azure_endpoint',
    'openai_api_base',
    'provider_url',
    'litellm_params',
    'url',
    'endpoint',
  ])('%s is refused', (name) => {
    for (const endpoint of EVERY_ENDPOINT) expect(blamed(endpoint, { [name]: 'http://evil.example' })).toBe(name);
  });

  test.each([
    'metadata',
    'prompt_cache_key',
    'provider',
    'base',
    'api_version',
    'keys',
    'inference_geo',
    'service_tier',
    'container',
  ])('%s is not one of them', (name) => {
    expect(blamed('chat', { [name]: 'x' })).toBe('taken');
  });
});

const message = { role: 'user', content: 'x' };
const tooMany = Array.from({ length: 2049 }, () => message);

test.each<[Endpoint, Readonly<Record<string, unknown>>, string]>([
  ['chat', { messages: undefined }, 'messages'],
  ['chat', { messages: {} }, 'messages'],
  ['chat', { messages: [] }, 'messages'],
  ['chat', { messages: tooMany }, 'messages'],
  ['chat', { messages: tooMany.slice(1) }, 'taken'],
  ['chat', { messages: [message, 'x'] }, 'messages[1]'],
  ['chat', { messages: [{ content: 'x' }] }, 'messages[0].role'],
  ['chat', { messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
  ['chat', { messages: [{ role: 'user', content: {} }] }, 'messages[0].content'],
  ['chat', { messages: [{ role: 'assistant', tool_calls: [] }] }, 'taken'],
  ['chat', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }, 'taken'],
  ['chat', { stream: 'true' }, 'stream'],
  ['chat', { stream: null, n: null, temperature: null, tools: null, max_tokens: null }, 'taken'],
  ['chat', { stream_options: true }, 'stream_options'],
  ['chat', { n: 0 }, 'n'],
  ['chat', { n: 1.5 }, 'n'],
  ['chat', { n: '1' }, 'n'],
  ['chat', { temperature: '0' }, 'temperature'],
  ['chat', { seed: [1] }, 'seed'],
  ['chat', { max_tokens: 0 }, 'max_tokens'],
  ['chat', { max_completion_tokens: -1 }, 'max_completion_tokens'],
  ['chat', { tools: {} }, 'tools'],
  ['chat', { tools: [{}, 1] }, 'tools[1]'],
  ['chat', { anything_else: { n: 'x' } }, 'taken'],
  ['responses', { input: undefined }, 'input'],
  ['responses', { input: undefined, prompt: { id: 'p' } }, 'taken'],
  ['responses', { input: undefined, previous_response_id: 'r' }, 'taken'],
  ['responses', { input: {} }, 'input'],
  ['responses', { input: ['x'] }, 'input[0]'],
  ['responses', { input: tooMany }, 'input'],
  ['responses', { input: [message] }, 'taken'],
  ['responses', { stream: 1 }, 'stream'],
  ['responses', { background: 'yes' }, 'background'],
  ['responses', { store: 0 }, 'store'],
  ['responses', { max_output_tokens: '5' }, 'max_output_tokens'],
  ['responses', { tools: 'x' }, 'tools'],
  ['embeddings', { input: undefined }, 'input'],
  ['embeddings', { input: '' }, 'input'],
  ['embeddings', { input: [] }, 'input'],
  ['embeddings', { input: {} }, 'input'],
  ['embeddings', { input: ['a', ''] }, 'input[1]'],
  ['embeddings', { input: ['a', 1] }, 'input[1]'],
  ['embeddings', { input: [1, 'a'] }, 'input[1]'],
  ['embeddings', { input: [1, [2]] }, 'input[1]'],
  ['embeddings', { input: [[1], []] }, 'input[1]'],
  ['embeddings', { input: [[1], [-1]] }, 'input[1]'],
  ['embeddings', { input: [1, 2.5] }, 'input[1]'],
  ['embeddings', { input: [null] }, 'input[0]'],
  ['embeddings', { input: ['a', 'b'] }, 'taken'],
  ['embeddings', { input: [1, 2] }, 'taken'],
  ['embeddings', { input: [[1], [2, 3]] }, 'taken'],
  ['embeddings', { encoding_format: 'hex' }, 'encoding_format'],
  ['embeddings', { encoding_format: 'base64' }, 'taken'],
  ['embeddings', { dimensions: 0 }, 'dimensions'],
  ['messages', { max_tokens: undefined }, 'max_tokens'],
  ['messages', { max_tokens: -1 }, 'max_tokens'],
  ['messages', { max_tokens: 1e300 }, 'max_tokens'],
  ['messages', { messages: [{ role: 'user' }] }, 'messages[0].content'],
  ['messages', { system: {} }, 'system'],
  ['messages', { system: [{ type: 'text', text: 'x' }] }, 'taken'],
  ['messages', { stream: 'no' }, 'stream'],
  ['messages', { top_k: 'x' }, 'top_k'],
  ['messages', { tools: [null] }, 'tools[0]'],
  ['count-tokens', { messages: 'x' }, 'messages'],
  ['count-tokens', { system: 5 }, 'system'],
])('%s with %j blames %s', (endpoint, changes, param) => {
  expect(blamed(endpoint, changes)).toBe(param);
});

test('limits can be set', () => {
  const limits = { ...DEFAULT_REQUEST_LIMITS, maxMessages: 1, maxModelChars: 2 };
  const body = { model: 'abc', messages: [message, message] };
  const fault = (changes: object): string | undefined =>
    refusal(() => decodeRequest('chat', utf8.encode(JSON.stringify({ ...body, ...changes })), limits))?.message;
  expect([fault({}), fault({ model: 'ab' })]).toEqual([
    '`model` must have at most 2 characters',
    '`messages` must have at most 1 entries',
  ]);
});

function endpointOf(path: string): Endpoint | undefined {
  if (path.endsWith('/chat/completions')) return 'chat';
  if (path.endsWith('/embeddings')) return 'embeddings';
  if (path.endsWith('/v1/responses')) return 'responses';
  if (path.endsWith('/v1/messages')) return 'messages';
  return path.endsWith('/count_tokens') ? 'count-tokens' : undefined;
}

test.skipIf(!hasData('wire'))('every recorded request that its provider took is taken', () => {
  let taken = 0;
  for (const name of ['openai', 'anthropic', 'groq', 'deepseek', 'mistral', 'openrouter', 'cerebras']) {
    for (const line of readFileSync(sharedData('wire', `${name}.jsonl`) ?? '', 'utf8').split('\n')) {
      if (line === '') continue;
      const record: unknown = JSON.parse(line);
      if (!isObject(record)) continue;
      const { endpoint, status, request } = record;
      const kind = endpointOf(String(endpoint).split('?')[0] ?? '');
      if (status !== 200 || kind === undefined || !isObject(request)) continue;
      expect({ name, line: line.slice(0, 80), error: refusal(() => decode(kind, request))?.message }).toMatchObject({
        error: undefined,
      });
      taken += 1;
    }
  }
  expect(taken).toBeGreaterThan(200);
});
