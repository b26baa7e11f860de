import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../core/model/protocol.ts';
import type { ReplyFacts } from '../core/model/reply.ts';
import { SseFramer } from './sse-framer.ts';
import { type FrameRole, streamReader } from './stream-reader.ts';

interface Reading {
  readonly roles: readonly FrameRole[];
  readonly content: readonly boolean[];
  readonly facts: ReplyFacts;
}

function reading(endpoint: Endpoint, text: string): Reading {
  const reader = streamReader(endpoint);
  const framer = new SseFramer();
  const frames = [...framer.push(new TextEncoder().encode(text))];
  const rest = framer.finish();
  if (rest !== undefined) frames.push(rest);
  const content: boolean[] = [];
  const roles = frames.map((frame) => {
    const role = reader.read(frame);
    content.push(reader.hasContent());
    return role;
  });
  return { roles, content, facts: reader.facts() };
}

function sse(...events: readonly (object | string)[]): string {
  return events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
}

function delta(fields: object, finishReason: string | null = null, rest: object = {}): object {
  return { id: 'chatcmpl-1', model: 'm', choices: [{ index: 0, delta: fields, finish_reason: finishReason }], ...rest };
}

const USAGE = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };

describe('chat', () => {
  test('roles, content and facts of an ordinary stream', () => {
    const usageChunk = { id: 'chatcmpl-1', model: 'm', choices: [], usage: USAGE };
    const stream = sse(
      delta({ role: 'assistant', content: '' }),
      delta({ content: 'né' }),
      delta({}, 'stop'),
      usageChunk,
      '[DONE]',
    );
    const { roles, content, facts } = reading('chat', `: hello\n\n${stream}`);
    expect(roles).toEqual(['other', 'content', 'content', 'content', 'usage-only', 'terminal']);
    expect(content).toEqual([false, false, true, true, true, true]);
    expect(facts).toMatchObject({ id: 'chatcmpl-1', model: 'm', ended: true, finish: 'complete', outputBytes: 3 });
    expect(facts.usage).toMatchObject({ input: 9, output: 4 });
  });

  test('a finish reason ends a stream that has no [DONE]', () => {
    expect(reading('chat', sse(delta({ content: 'a' }), delta({}, 'stop'))).facts.ended).toBe(true);
    expect(reading('chat', sse(delta({ content: 'a' }))).facts).toMatchObject({ ended: false, finish: 'unknown' });
  });

  test('with several choices all must finish, and the worst counts', () => {
    const second = (finishReason: string | null): object => ({
      choices: [{ index: 1, delta: { content: 'b' }, finish_reason: finishReason }],
    });
    const open = reading('chat', sse(delta({ content: 'a' }, 'stop'), second(null))).facts;
    expect(open).toMatchObject({ ended: false, finish: 'unknown' });
    const closed = reading('chat', sse(delta({ content: 'a' }, 'stop'), second('length'))).facts;
    expect(closed).toMatchObject({ ended: true, finish: 'length' });
  });

  test.each([
    ['a chunk with a choice', delta({}, 'stop', { usage: USAGE })],
    ['x_groq', delta({}, 'stop', { x_groq: { usage: USAGE } })],
  ])('usage is taken from %s, which is relayed to all', (_name, chunk) => {
    const { roles, facts } = reading('chat', sse(delta({ content: 'a' }), chunk, '[DONE]'));
    expect(facts.usage).toMatchObject({ input: 9, output: 4 });
    expect(roles).not.toContain('usage-only');
  });

  test('the last usage counts where every chunk has one, and null does not unsay it', () => {
    const early = { ...USAGE, completion_tokens: 1 };
    const { facts } = reading(
      'chat',
      sse(delta({ content: 'a' }, null, { usage: early }), delta({}, 'stop', { usage: USAGE }), {
        choices: [],
        usage: null,
      }),
    );
    expect(facts.usage?.output).toBe(4);
  });

  test('the tier of an early chunk counts for the usage of the last', () => {
    const { facts } = reading(
      'chat',
      sse(delta({ content: 'a' }, null, { service_tier: 'priority' }), { choices: [], usage: USAGE }),
    );
    expect(facts.terms.serviceTier).toBe('priority');
  });

  test.each([
    ['an error chunk', sse({ error: { message: 'Busy', code: 429 } }), 'provider_error'],
    ['an error event', 'event: error\ndata: {"error":{"type":"server_error","message":"Busy"}}\n\n', 'server_error'],
    [
      'an error event without the nesting',
      'event: error\ndata: {"type":"server_error","message":"Busy"}\n\n',
      'server_error',
    ],
    ['a broken event', 'data: {"choices":[{"del\n\n', 'invalid_reply'],
    ['an event that is no object', 'data: 17\n\n', 'invalid_reply'],
  ])('%s inside the stream is an error', (_name, text, type) => {
    const { roles, facts } = reading('chat', sse(delta({ content: 'a' })) + text + sse('[DONE]'));
    expect(roles).toEqual(['content', 'error', 'terminal']);
    expect(facts).toMatchObject({ finish: 'error', error: { type } });
  });

  test('tool arguments are content and count', () => {
    const call = { index: 0, id: 'call_1', function: { name: 'f', arguments: '{"a"' } };
    const more = { index: 0, function: { arguments: ':1}' } };
    const { content, facts } = reading(
      'chat',
      sse(
        delta({ role: 'assistant', content: null }),
        delta({ tool_calls: [call] }),
        delta({ tool_calls: [more] }),
        delta({}, 'stop'),
      ),
    );
    expect(content).toEqual([false, true, true, true]);
    expect(facts).toMatchObject({ finish: 'tool-calls', outputBytes: 7, isEmpty: false });
  });
});

describe('responses', () => {
  const created = {
    type: 'response.created',
    response: { id: 'resp_1', model: 'm', status: 'in_progress', output: [] },
  };
  const text = { type: 'response.output_text.delta', delta: 'four' };
  const output = [{ type: 'message', content: [{ type: 'output_text', text: 'four' }] }];
  const end = (status: string, rest: object = {}): object => ({
    type: `response.${status}`,
    response: { id: 'resp_1', model: 'm', status, output, usage: { input_tokens: 3, output_tokens: 2 }, ...rest },
  });

  test('the last event says it all, and text counts once', () => {
    const { roles, content, facts } = reading('responses', sse(created, text, end('completed')));
    expect(roles).toEqual(['content', 'content', 'terminal']);
    expect(content).toEqual([false, true, true]);
    expect(facts).toMatchObject({ id: 'resp_1', ended: true, finish: 'complete', outputBytes: 4 });
    expect(facts.usage).toMatchObject({ input: 3, output: 2 });
  });

  test('a stream that stops early has not ended', () => {
    expect(reading('responses', sse(created, text)).facts).toMatchObject({
      ended: false,
      finish: 'unknown',
      model: 'm',
      outputBytes: 4,
    });
    expect(reading('responses', sse(created, text, '[DONE]')).facts.ended).toBe(false);
  });

  test('incomplete and failed end the stream too', () => {
    const cut = reading(
      'responses',
      sse(created, end('incomplete', { incomplete_details: { reason: 'max_output_tokens' } })),
    );
    expect(cut).toMatchObject({ roles: ['content', 'terminal'], facts: { finish: 'length', ended: true } });
    const failed = reading(
      'responses',
      sse(created, end('failed', { error: { code: 'server_error', message: 'Sorry' } })),
    );
    expect(failed).toMatchObject({
      roles: ['content', 'terminal'],
      facts: { finish: 'error', error: { code: 'server_error' } },
    });
    expect(reading('responses', sse(end('failed'))).facts).toMatchObject({
      finish: 'error',
      error: { type: 'provider_error' },
    });
  });

  test('an error event is an error', () => {
    const { roles, facts } = reading(
      'responses',
      sse(created, { type: 'error', code: 'rate_limit', message: 'Slow down' }),
    );
    expect(roles).toEqual(['content', 'error']);
    expect(facts).toMatchObject({ finish: 'error', error: { code: 'rate_limit', message: 'Slow down' } });
  });

  test('hosted tools show even where the last event leaves its output out', () => {
    const item = { type: 'response.output_item.added', item: { type: 'web_search_call' } };
    const { facts } = reading('responses', sse(created, item, text, end('completed', { output: [] })));
    expect(facts).toMatchObject({ usedHostedTools: true, finish: 'complete' });
  });

  test('a streamed refusal is a refusal', () => {
    const refusal = { type: 'response.refusal.delta', delta: 'No.' };
    expect(reading('responses', sse(created, refusal, end('completed', { output: [] }))).facts.finish).toBe('refusal');
  });
});

describe('messages', () => {
  const start = (usage: object): object => ({
    type: 'message_start',
    message: { id: 'msg_1', model: 'c', content: [], stop_reason: null, usage },
  });
  const block = (contentBlock: object): object => ({
    type: 'content_block_start',
    index: 0,
    content_block: contentBlock,
  });
  const piece = (fields: object): object => ({ type: 'content_block_delta', index: 0, delta: fields });
  const stop = (stopReason: string, usage: object): object => ({
    type: 'message_delta',
    delta: { stop_reason: stopReason },
    usage,
  });

  test('roles, content and merged usage', () => {
    const first = {
      input_tokens: 702,
      cache_read_input_tokens: 50,
      cache_creation: { ephemeral_1h_input_tokens: 8 },
      cache_creation_input_tokens: 8,
      output_tokens: 1,
    };
    const last = { input_tokens: 1591, cache_read_input_tokens: null, output_tokens: 20 };
    const { roles, content, facts } = reading(
      'messages',
      sse(
        start(first),
        block({ type: 'text', text: '' }),
        { type: 'ping' },
        piece({ type: 'text_delta', text: 'four' }),
        { type: 'content_block_stop', index: 0 },
        stop('end_turn', last),
        { type: 'message_stop' },
      ),
    );
    expect(roles).toEqual(['content', 'content', 'other', 'content', 'content', 'content', 'terminal']);
    expect(content).toEqual([false, false, false, true, true, true, true]);
    expect(facts).toMatchObject({ id: 'msg_1', model: 'c', ended: true, finish: 'complete', outputBytes: 4 });
    expect(facts.usage).toMatchObject({ input: 1591, cacheRead: 50, cacheWrite1h: 8, output: 20 });
  });

  test('a stop reason without message_stop has not ended', () => {
    expect(reading('messages', sse(start({}), stop('end_turn', {}))).facts).toMatchObject({
      ended: false,
      finish: 'complete',
    });
  });

  test('a tool call is content from its first event on', () => {
    const { content, facts } = reading(
      'messages',
      sse(
        start({}),
        block({ type: 'tool_use', id: 't', name: 'f', input: {} }),
        piece({ type: 'input_json_delta', partial_json: '{"a":1}' }),
        stop('tool_use', {}),
        { type: 'message_stop' },
      ),
    );
    expect(content.slice(0, 2)).toEqual([false, true]);
    expect(facts).toMatchObject({ finish: 'tool-calls', outputBytes: 7, usedHostedTools: false });
  });

  test('an error after the head is an error', () => {
    const { roles, facts } = reading(
      'messages',
      sse(start({}), { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
    );
    expect(roles).toEqual(['content', 'error']);
    expect(facts).toMatchObject({ finish: 'error', ended: false, error: { type: 'overloaded_error' } });
  });
});

test('lines may end in CRLF', () => {
  const text = sse(delta({ content: 'a' }), delta({}, 'stop'), '[DONE]');
  expect(reading('chat', text.replaceAll('\n', '\r\n'))).toEqual(reading('chat', text));
});

test('endpoints that do not stream have no reader', () => {
  expect(() => streamReader('embeddings')).toThrow(RangeError);
  expect(() => streamReader('count-tokens')).toThrow(RangeError);
});

test('no event makes a reader throw', () => {
  const name = fc.constantFrom(
    'type',
    'choices',
    'delta',
    'message',
    'usage',
    'response',
    'content_block',
    'item',
    'error',
    'index',
    'output',
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('response.completed', 'message_start', 'content_block_delta', 'error'),
  );
  const event = fc.dictionary(
    name,
    fc.oneof(value, fc.dictionary(name, value), fc.array(fc.dictionary(name, value), { maxLength: 2 })),
  );
  fc.assert(
    fc.property(
      fc.constantFrom<Endpoint>('chat', 'responses', 'messages'),
      fc.array(event, { maxLength: 4 }),
      (endpoint, events) => {
        expect(reading(endpoint, sse(...events)).roles).toHaveLength(events.length);
      },
    ),
    { numRuns: 500 },
  );
});
