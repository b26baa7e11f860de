import { describe, expect, test } from 'vitest';
import {
  asksForJson,
  cacheability,
  type CacheMode,
  type CacheRequest,
  type ReplyConditions,
  storability,
} from './cacheability.ts';
import type { Endpoint } from './model/protocol.ts';
import type { ReplyFacts } from './model/reply.ts';

function request(
  endpoint: Endpoint,
  body: Record<string, unknown>,
  headers: CacheRequest['headers'] = {},
): CacheRequest {
  return { endpoint, body, headers, declaredByRoute: false };
}

function verdict(call: CacheRequest, mode: CacheMode = 'all', allowStored = false): string {
  const found = cacheability(call, { mode, allowStored });
  return found.kind === 'use' ? 'use' : `${found.reason}/${found.missedBy ?? '-'}`;
}

const ON = { 'x-farthing-cache': 'on' };

describe('modes', () => {
  const cold = request('chat', { temperature: 0 });
  const seeded = request('chat', { seed: 7 });
  const sampled = request('chat', {});
  const declared = request('chat', {}, ON);

  test.each<[CacheMode, string, string, string, string]>([
    ['off', 'mode-off/deterministic', 'mode-off/deterministic', 'mode-off/all', 'mode-off/declared'],
    ['deterministic', 'use', 'use', 'sampling/all', 'sampling/declared'],
    ['declared', 'use', 'use', 'not-declared/all', 'use'],
    ['all', 'use', 'use', 'use', 'use'],
  ])('%s serves what it says and names the narrowest mode that would have', (mode, ...expected) => {
    expect([cold, seeded, sampled, declared].map((call) => verdict(call, mode))).toEqual(expected);
  });

  test('a route may declare its answers repeatable', () => {
    expect(verdict({ ...sampled, declaredByRoute: true }, 'declared')).toBe('use');
  });

  test('only exactly 0 is no sampling, and only an integer is a seed', () => {
    for (const temperature of [null, 0.0001, '0', -1, false]) {
      expect(verdict(request('chat', { temperature }), 'deterministic')).toBe('sampling/all');
    }
    expect(verdict(request('chat', { seed: '7' }), 'deterministic')).toBe('sampling/all');
    expect(verdict(request('chat', { seed: 0 }), 'deterministic')).toBe('use');
  });

  test('a seed means nothing where the API has none', () => {
    expect(verdict(request('messages', { seed: 7 }), 'deterministic')).toBe('sampling/all');
    expect(verdict(request('messages', { temperature: 0 }), 'deterministic')).toBe('use');
  });

  test('embeddings and token counts need no mode but off', () => {
    expect(verdict(request('embeddings', { input: 'a' }), 'deterministic')).toBe('use');
    expect(verdict(request('count-tokens', { tools: [{ type: 'web_search_20250305' }] }), 'deterministic')).toBe('use');
    expect(verdict(request('embeddings', { input: 'a' }), 'off')).toBe('mode-off/deterministic');
  });
});

describe('what the caller says', () => {
  test('`x-farthing-cache: off` and `no-store` go past the cache in every mode', () => {
    expect(verdict(request('chat', { temperature: 0 }, { 'x-farthing-cache': ' OFF ' }))).toBe('opted-out/-');
    expect(verdict(request('chat', { temperature: 0 }, { 'cache-control': 'no-store' }))).toBe('no-store/-');
    expect(verdict({ ...request('chat', {}, { 'x-farthing-cache': 'off' }), declaredByRoute: true })).toBe(
      'opted-out/-',
    );
  });

  test('`no-cache` still stores: it is a use with a wish', () => {
    expect(
      cacheability(request('chat', {}, { 'cache-control': 'no-cache' }), { mode: 'all', allowStored: false }),
    ).toMatchObject({
      kind: 'use',
      control: { noCache: true },
    });
  });

  test('a word that is neither on nor off declares nothing', () => {
    expect(verdict(request('chat', {}, { 'x-farthing-cache': 'yes' }), 'declared')).toBe('not-declared/all');
  });
});

describe('what cannot be repeated goes past the cache in every mode', () => {
  test.each<[Endpoint, Record<string, unknown>, string]>([
    ['chat', { store: true }, 'stored-conversation/-'],
    ['chat', { web_search_options: {} }, 'hosted-tools/-'],
    ['chat', { tools: [{ type: 'function' }, { type: 'unheard_of' }] }, 'hosted-tools/-'],
    ['responses', { store: true }, 'stored-conversation/-'],
    ['responses', { previous_response_id: 'resp_1' }, 'stored-conversation/-'],
    ['responses', { conversation: { id: 'conv_1' } }, 'stored-conversation/-'],
    ['responses', { background: true }, 'stored-conversation/-'],
    ['responses', { prompt: { id: 'pmpt_1' } }, 'unversioned-prompt/-'],
    ...['web_search', 'file_search', 'code_interpreter', 'mcp', 'image_generation', 'computer', 'shell'].map(
      (type): [Endpoint, Record<string, unknown>, string] => ['responses', { tools: [{ type }] }, 'hosted-tools/-'],
    ),
    ...[
      'web_search_20260318',
      'code_execution_20260521',
      'tool_search_tool_bm25',
      'mcp_toolset',
      'advisor_20260301',
    ].map((type): [Endpoint, Record<string, unknown>, string] => ['messages', { tools: [{ type }] }, 'hosted-tools/-']),
    ['messages', { mcp_servers: [{ url: 'x' }] }, 'hosted-tools/-'],
    ['messages', { container: 'c_1' }, 'hosted-tools/-'],
    ['messages', { thread: { id: 't' } }, 'stored-conversation/-'],
    ['messages', { fallbacks: [{ model: 'm' }] }, 'other-model/-'],
  ])('%s with %j', (endpoint, body, expected) => {
    expect(verdict(request(endpoint, { ...body, temperature: 0 }, ON))).toBe(expected);
  });

  test.each<[Endpoint, Record<string, unknown>]>([
    ['chat', { store: false, web_search_options: null, n: 3, tools: [{ type: 'function' }, { type: 'custom' }] }],
    ['responses', {}], // `store` is absent: the caller did not ask for an object
    ['responses', { store: false, background: false, previous_response_id: null, conversation: null }],
    ['responses', { prompt: { id: 'pmpt_1', version: '2' }, tools: [{ type: 'function' }, { type: 'local_shell' }] }],
    [
      'messages',
      { tools: [{ name: 'own' }, { type: 'custom' }, { type: 'bash_20250124' }], mcp_servers: [], thread: null },
    ],
  ])('%s with %j can', (endpoint, body) => {
    expect(verdict(request(endpoint, body))).toBe('use');
  });

  test('the policy may allow stored answers, but never conversations', () => {
    expect(verdict(request('chat', { store: true }), 'all', true)).toBe('use');
    expect(verdict(request('responses', { conversation: 'c', store: true }), 'all', true)).toBe(
      'stored-conversation/-',
    );
  });
});

describe('what is stored', () => {
  const facts: ReplyFacts = {
    ended: true,
    finish: 'complete',
    terms: {},
    usedHostedTools: false,
    isEmpty: false,
    outputBytes: 10,
  };
  const conditions: ReplyConditions = {
    status: 200,
    sizeBytes: 100,
    maxEntryBytes: 100,
    samples: 1,
    isJson: undefined,
  };
  const outcome = (changes: Partial<ReplyFacts>, other: Partial<ReplyConditions> = {}): string => {
    const found = storability({ ...facts, ...changes }, { ...conditions, ...other });
    return found.kind === 'store' ? 'store' : found.reason;
  };

  test('whole answers, with and without tool calls', () => {
    expect(outcome({})).toBe('store');
    expect(outcome({ finish: 'tool-calls' })).toBe('store');
  });

  test.each<[string, Partial<ReplyFacts>, Partial<ReplyConditions>?]>([
    ['status', {}, { status: 201 }],
    ['status', {}, { status: 429 }],
    ['error', { error: { type: 'overloaded', message: '' } }],
    ['error', { finish: 'error' }],
    ['unfinished', { ended: false }],
    ['unfinished', { finish: 'unknown' }],
    ['unfinished', { choices: 1 }, { samples: 2 }],
    ['store', { choices: 2 }, { samples: 2 }],
    ['truncated', { finish: 'length' }],
    ['truncated', { finish: 'paused' }],
    ['refused', { finish: 'refusal' }],
    ['refused', { finish: 'content-filter' }],
    ['hosted-tools', { usedHostedTools: true }],
    ['empty', { isEmpty: true }],
    ['invalid-json', {}, { isJson: false }],
    ['too-large', {}, { sizeBytes: 101 }],
  ])('not: %s (%j, %j)', (reason, changes, other) => {
    expect(outcome(changes, other)).toBe(reason);
  });

  test('an answer that calls tools has no text to be JSON', () => {
    expect(outcome({ finish: 'tool-calls' }, { isJson: false })).toBe('store');
    expect(outcome({}, { isJson: true })).toBe('store');
  });

  test('JSON is expected where the request asks for it', () => {
    expect(asksForJson('chat', { response_format: { type: 'json_object' } })).toBe(true);
    expect(asksForJson('chat', { response_format: { type: 'text' } })).toBe(false);
    expect(asksForJson('chat', { response_format: 'json_object' })).toBe(false);
    expect(asksForJson('responses', { text: { format: { type: 'json_schema' } } })).toBe(true);
    expect(asksForJson('responses', { text: {} })).toBe(false);
    expect(asksForJson('messages', { output_config: { format: { type: 'json_schema' } } })).toBe(true);
    expect(asksForJson('messages', { output_format: { type: 'json_schema' } })).toBe(true);
    expect(asksForJson('embeddings', { response_format: { type: 'json_object' } })).toBe(false);
  });
});
