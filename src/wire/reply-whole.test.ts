import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ENDPOINTS, type Endpoint } from '../core/model/protocol.ts';
import type { Finish } from '../core/model/reply.ts';
import { wholeReplyFacts } from './reply-whole.ts';

function chat(choice: unknown, rest: object = {}): unknown {
  return { id: 'chatcmpl-1', object: 'chat.completion', model: 'gpt-5.4-mini', choices: [choice], ...rest };
}

function said(content: unknown, finishReason: string | null = 'stop', rest: object = {}): unknown {
  return chat({ index: 0, message: { role: 'assistant', content, ...rest }, finish_reason: finishReason });
}

function response(output: readonly unknown[], rest: object = {}): unknown {
  return { id: 'resp_1', object: 'response', model: 'gpt-5.4', status: 'completed', output, ...rest };
}

function message(content: readonly unknown[], stopReason: string | null = 'end_turn'): unknown {
  return { id: 'msg_1', type: 'message', model: 'claude-opus-5-5', content, stop_reason: stopReason };
}

describe('chat', () => {
  test.each<[string | null, Finish]>([
    ['stop', 'complete'],
    ['tool_calls', 'tool-calls'],
    ['function_call', 'tool-calls'],
    ['length', 'length'],
    ['content_filter', 'content-filter'],
    ['model_length', 'length'],
    ['insufficient_system_resource', 'error'],
    ['something new', 'unknown'],
    ['', 'unknown'],
    [null, 'unknown'],
  ])('finish_reason %s means %s', (word, finish) => {
    expect(wholeReplyFacts('chat', said('Hi', word)).finish).toBe(finish);
  });

  test('names, usage, tier and the bytes of the text are taken', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } };
    const body = chat(
      { index: 0, message: { content: 'Grüße' }, finish_reason: 'stop' },
      { usage, service_tier: 'flex', unheard_of: {} },
    );
    const facts = wholeReplyFacts('chat', body);
    expect(facts).toMatchObject({
      id: 'chatcmpl-1',
      model: 'gpt-5.4-mini',
      ended: true,
      isEmpty: false,
      outputBytes: 7,
    });
    expect(facts.usage).toMatchObject({ input: 6, cacheRead: 4, output: 3 });
    expect(facts.terms.serviceTier).toBe('flex');
  });

  test('a refusal is a refusal, whatever the finish reason says', () => {
    expect(wholeReplyFacts('chat', said(null, 'stop', { refusal: 'I will not.' })).finish).toBe('refusal');
    expect(wholeReplyFacts('chat', said('Hi', 'stop', { refusal: '' })).finish).toBe('complete');
  });

  test('a forced tool call that ends with stop is a tool call', () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const facts = wholeReplyFacts('chat', said(null, 'stop', { tool_calls: [call] }));
    expect(facts).toMatchObject({ finish: 'tool-calls', isEmpty: false, outputBytes: 7 });
  });

  test('an empty function_call is none', () => {
    const facts = wholeReplyFacts('chat', said('4', 'stop', { function_call: { name: '', arguments: '' } }));
    expect(facts.finish).toBe('complete');
  });

  test('the worst of several choices counts', () => {
    const choice = (finishReason: string): unknown => ({
      index: 0,
      message: { content: 'a' },
      finish_reason: finishReason,
    });
    const second = { index: 1, message: { content: 'b' }, finish_reason: 'length' };
    expect(wholeReplyFacts('chat', { choices: [choice('stop'), second] }).finish).toBe('length');
    const filtered = { index: 1, message: {}, finish_reason: 'content_filter' };
    expect(wholeReplyFacts('chat', { choices: [choice('length'), filtered] }).finish).toBe('content-filter');
  });

  test('thoughts that come under several names count once', () => {
    const names = { reasoning: 'abc', reasoning_content: 'abc', reasoning_details: [{ text: 'abc' }] };
    expect(wholeReplyFacts('chat', said('x', 'stop', names)).outputBytes).toBe(4);
    const listed = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'abc' }] },
      { type: 'text', text: 'x' },
    ];
    expect(wholeReplyFacts('chat', said(listed)).outputBytes).toBe(4);
  });

  test.each([
    ['annotations', said('x', 'stop', { annotations: [{ type: 'url_citation' }] })],
    ['executed tools', said('x', 'stop', { executed_tools: [{ type: 'search' }] })],
    ['citations', chat({ message: { content: 'x' }, finish_reason: 'stop' }, { citations: ['https://example.org'] })],
  ])('%s show that a hosted tool ran', (_name, body) => {
    expect(wholeReplyFacts('chat', body).usedHostedTools).toBe(true);
    expect(wholeReplyFacts('chat', said('x', 'stop', { annotations: [] })).usedHostedTools).toBe(false);
  });

  test('an answer without any product is empty', () => {
    expect(wholeReplyFacts('chat', said('')).isEmpty).toBe(true);
    expect(wholeReplyFacts('chat', said(null, 'stop', { audio: { data: 'AAAA' } })).isEmpty).toBe(false);
    expect(wholeReplyFacts('chat', said(null, 'stop', { images: [{}] })).isEmpty).toBe(false);
  });
});

describe('responses', () => {
  const text = { type: 'message', content: [{ type: 'output_text', text: 'four' }] };

  test.each<[object, Finish, boolean]>([
    [{ status: 'completed' }, 'complete', true],
    [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'length', true],
    [{ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'content-filter', true],
    [{ status: 'failed', error: { code: 'server_error', message: 'Sorry.' } }, 'error', true],
    [{ status: 'queued' }, 'unknown', false],
    [{ status: 'cancelled' }, 'unknown', false],
  ])('%o ends with %s', (rest, finish, ended) => {
    expect(wholeReplyFacts('responses', response([text], rest))).toMatchObject({ finish, ended });
  });

  test('a refusal part is a refusal', () => {
    const refusal = { type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] };
    expect(wholeReplyFacts('responses', response([refusal]))).toMatchObject({ finish: 'refusal', isEmpty: false });
  });

  test.each(['function_call', 'custom_tool_call', 'local_shell_call'])('%s is answered by the client', (type) => {
    const facts = wholeReplyFacts('responses', response([{ type, arguments: '{}' }]));
    expect(facts).toMatchObject({ finish: 'tool-calls', usedHostedTools: false, isEmpty: false });
  });

  test.each([
    'web_search_call',
    'file_search_call',
    'code_interpreter_call',
    'computer_call',
    'mcp_call',
    'image_generation_call',
    'a_tool_of_tomorrow',
  ])('%s ran at the provider', (type) => {
    expect(wholeReplyFacts('responses', response([{ type }, text])).usedHostedTools).toBe(true);
  });

  test('text, summaries and arguments count, and usage is read', () => {
    const reasoning = { type: 'reasoning', summary: [{ type: 'summary_text', text: 'ab' }] };
    const call = { type: 'function_call', arguments: '{"x":1}' };
    const usage = { input_tokens: 5, output_tokens: 7, output_tokens_details: { reasoning_tokens: 2 } };
    const facts = wholeReplyFacts('responses', response([reasoning, text, call], { usage }));
    expect(facts.outputBytes).toBe(13);
    expect(facts.usage).toMatchObject({ input: 5, output: 7, reasoning: 2 });
  });
});

describe('messages', () => {
  const text = { type: 'text', text: 'four' };

  test.each<[string | null, Finish]>([
    ['end_turn', 'complete'],
    ['stop_sequence', 'complete'],
    ['tool_use', 'tool-calls'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['refusal', 'refusal'],
    ['pause_turn', 'paused'],
    ['something_new', 'unknown'],
    [null, 'unknown'],
  ])('stop_reason %s means %s', (word, finish) => {
    expect(wholeReplyFacts('messages', message([text], word)).finish).toBe(finish);
  });

  test.each(['server_tool_use', 'web_search_tool_result', 'mcp_tool_use', 'a_block_of_tomorrow'])(
    '%s ran at the provider',
    (type) => {
      expect(wholeReplyFacts('messages', message([{ type }, text])).usedHostedTools).toBe(true);
    },
  );

  test('thinking, text and tool input count; redacted thinking is a product', () => {
    const blocks = [{ type: 'thinking', thinking: 'abc' }, text, { type: 'tool_use', input: { a: 1 } }];
    expect(wholeReplyFacts('messages', message(blocks))).toMatchObject({ outputBytes: 14, finish: 'tool-calls' });
    const redacted = wholeReplyFacts('messages', message([{ type: 'redacted_thinking', data: 'x' }]));
    expect(redacted).toMatchObject({ isEmpty: false, usedHostedTools: false });
  });
});

describe('data', () => {
  test('embeddings are complete when there are vectors', () => {
    const body = {
      model: 'text-embedding-3-small',
      data: [{ embedding: [0.1] }],
      usage: { prompt_tokens: 2, total_tokens: 2 },
    };
    const facts = wholeReplyFacts('embeddings', body);
    expect(facts).toMatchObject({ ended: true, finish: 'complete', isEmpty: false, outputBytes: 0 });
    expect(facts.usage?.input).toBe(2);
    expect(wholeReplyFacts('embeddings', { data: [] })).toMatchObject({ ended: false, isEmpty: true });
  });

  test('a count is complete when there is a number, and states no usage', () => {
    const facts = wholeReplyFacts('count-tokens', { input_tokens: 12 });
    expect(facts).toMatchObject({ ended: true, finish: 'complete', isEmpty: false });
    expect(facts.usage).toBeUndefined();
  });
});

describe('faults', () => {
  const endpoints = Object.keys(ENDPOINTS) as Endpoint[];

  test.each([
    [
      { error: { type: 'server_error', code: 502, message: 'Bad luck' } },
      { type: 'server_error', code: '502', message: 'Bad luck' },
    ],
    [{ error: 'out of memory' }, { type: 'provider_error', message: 'out of memory' }],
    [
      { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } },
      { type: 'overloaded_error', message: 'Busy' },
    ],
  ])('a body of status 200 with %o ends with an error', (body, error) => {
    for (const endpoint of endpoints) {
      expect(wholeReplyFacts(endpoint, body)).toMatchObject({ finish: 'error', error, isEmpty: true });
    }
  });

  test('a body that is no object ends with an error', () => {
    for (const body of [undefined, null, 'text', 3, []]) {
      expect(wholeReplyFacts('chat', body)).toMatchObject({
        finish: 'error',
        ended: false,
        error: { type: 'invalid_reply' },
      });
    }
  });

  test('no JSON makes it throw', () => {
    const names = [
      'choices',
      'message',
      'content',
      'output',
      'usage',
      'error',
      'tool_calls',
      'data',
      'status',
      'type',
      'delta',
    ];
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, true, '', 'stop', -1, 0.5),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('value')),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(...endpoints), (body, endpoint) => {
        expect(wholeReplyFacts(endpoint, body).outputBytes).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });
});
