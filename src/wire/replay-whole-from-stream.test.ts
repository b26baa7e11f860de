import { describe, expect, test } from 'vitest';
import { wholeFromStream } from './replay-whole-from-stream.ts';
import type { Endpoint } from '../core/model/protocol.ts';

function sse(...events: readonly (object | string)[]): Uint8Array {
  const text = events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
  return new TextEncoder().encode(text);
}

function wholeText(endpoint: Endpoint, stream: Uint8Array): string | undefined {
  const bytes = wholeFromStream(endpoint, stream);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function whole(endpoint: Endpoint, ...events: readonly (object | string)[]): unknown {
  const text = wholeText(endpoint, sse(...events));
  return text === undefined ? undefined : JSON.parse(text);
}

describe('chat', () => {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 7, model: 'm' };
  const part = (delta: object, rest: object = {}): object => ({
    index: 0,
    delta,
    logprobs: null,
    finish_reason: null,
    ...rest,
  });
  const chunk = (...choices: readonly object[]): object => ({ ...head, choices });
  const end = chunk(part({}, { finish_reason: 'stop' }));

  function message(...deltas: readonly object[]): unknown {
    const body = whole('chat', ...deltas.map((delta) => chunk(part(delta))), end, '[DONE]');
    return (body as { choices: { message: unknown }[] }).choices[0]?.message;
  }

  test('text, fingerprint, tier and usage become the body that was never sent', () => {
    const first = {
      ...chunk(part({ role: 'assistant', content: '', refusal: null })),
      service_tier: 'default',
      system_fingerprint: 'fp',
      usage: null,
      obfuscation: 'xyz',
    };
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    expect(
      whole(
        'chat',
        first,
        chunk(part({ content: 'Hello' })),
        chunk(part({ content: ' you' })),
        end,
        { ...chunk(), usage },
        '[DONE]',
      ),
    ).toEqual({
      ...head,
      object: 'chat.completion',
      service_tier: 'default',
      system_fingerprint: 'fp',
      usage,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello you', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
    });
  });

  test('id, time and model are those of the first chunk that has them', () => {
    const filters = {
      id: '',
      object: '',
      created: 0,
      model: '',
      choices: [],
      prompt_filter_results: [{ prompt_index: 0 }],
    };
    const later = { ...chunk(part({}, { finish_reason: 'stop' })), id: 'chatcmpl-2', model: 'n' };
    expect(whole('chat', filters, chunk(part({ content: 'a' })), later, '[DONE]')).toMatchObject({
      id: 'chatcmpl-1',
      created: 7,
      model: 'm',
      object: 'chat.completion',
      prompt_filter_results: [{ prompt_index: 0 }],
    });
  });

  test('tool calls are put together by index, whatever order their pieces come in', () => {
    const call = (index: number, fields: object): object => ({ tool_calls: [{ index, ...fields }] });
    expect(
      message(
        { role: 'assistant', content: null },
        call(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '' } }),
        call(0, { id: 'a', function: { name: 'f', arguments: '{"x"' } }),
        call(1, { function: { arguments: '{}' } }),
        call(0, { id: '', function: { name: '', arguments: ':1}' } }),
      ),
    ).toMatchObject({
      content: null,
      tool_calls: [
        { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
      ],
    });
  });

  test('tool calls without an index are told apart by their ids', () => {
    const calls = message(
      { tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{' } }] },
      { tool_calls: [{ function: { arguments: '}' } }] },
      { tool_calls: [{ id: 'b', function: { name: 'f', arguments: '{}' } }] },
    );
    expect(calls).toMatchObject({ tool_calls: [{ id: 'a', function: { arguments: '{}' } }, { id: 'b' }] });
  });

  test('parallel calls that all come with index 0 are told apart by their ids', () => {
    const call = (id: string): object => ({ tool_calls: [{ index: 0, id, function: { name: 'f', arguments: '{}' } }] });
    expect(message(call('a'), call('b'))).toMatchObject({ tool_calls: [{ id: 'a' }, { id: 'b' }] });
  });

  test('reasoning, refusal, function call and audio are joined, annotations gathered', () => {
    expect(
      message(
        { reasoning_content: 'a', reasoning: 'c', channel: 'analysis', function_call: { name: 'f', arguments: '{' } },
        { reasoning_content: 'b', reasoning: 'd', channel: 'analysis', function_call: { arguments: '}' } },
        {
          refusal: 'N',
          audio: { id: 'audio_1', transcript: 'x', data: 'AA' },
          annotations: [{ type: 'url_citation', start_index: 1 }],
        },
        {
          refusal: 'o',
          audio: { transcript: 'y', data: 'BB', expires_at: 9 },
          annotations: [{ type: 'url_citation', start_index: 2 }],
        },
      ),
    ).toEqual({
      role: 'assistant',
      content: null,
      reasoning_content: 'ab',
      reasoning: 'cd',
      channel: 'analysis',
      function_call: { name: 'f', arguments: '{}' },
      refusal: 'No',
      audio: { id: 'audio_1', transcript: 'xy', data: 'AABB', expires_at: 9 },
      annotations: [
        { type: 'url_citation', start_index: 1 },
        { type: 'url_citation', start_index: 2 },
      ],
    });
  });

  test('reasoning details are put together by index and type', () => {
    const details = (fields: object): object => ({ reasoning_details: [{ index: 0, ...fields }] });
    expect(
      message(
        details({ type: 'reasoning.text', text: 'a' }),
        details({ type: 'reasoning.text', text: 'b', signature: 's' }),
        details({ type: 'reasoning.encrypted', data: 'c' }),
      ),
    ).toMatchObject({
      reasoning_details: [
        { index: 0, type: 'reasoning.text', text: 'ab', signature: 's' },
        { index: 0, type: 'reasoning.encrypted', data: 'c' },
      ],
    });
  });

  test('a content of thinking and text parts stays a list', () => {
    const thinking = (text: string): object => ({
      content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }],
    });
    expect(message({ content: '' }, thinking('a'), thinking('b'), { content: 'c' }, { content: 'd' })).toMatchObject({
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'ab' }] },
        { type: 'text', text: 'cd' },
      ],
    });
  });

  test('log probabilities are gathered per choice, and choices sorted', () => {
    const token = (name: string): object => ({ token: name, logprob: -0.5, top_logprobs: [] });
    const logprobs = (name: string): object => ({ logprobs: { content: [token(name)], refusal: null } });
    const body = whole(
      'chat',
      chunk(part({ content: 'b' }, { index: 1, ...logprobs('b') })),
      chunk(
        part({ content: 'a' }, { index: 0, ...logprobs('a') }),
        part({ content: 'c' }, { index: 1, ...logprobs('c') }),
      ),
      chunk(part({}, { finish_reason: 'stop' }), part({}, { index: 1, finish_reason: 'length' })),
    );
    expect(body).toMatchObject({
      choices: [
        { index: 0, message: { content: 'a' }, logprobs: { content: [token('a')] }, finish_reason: 'stop' },
        {
          index: 1,
          message: { content: 'bc' },
          logprobs: { content: [token('b'), token('c')] },
          finish_reason: 'length',
        },
      ],
    });
  });

  test('a field named __proto__ is a field like any other', () => {
    const stream = new TextEncoder().encode(
      'data: {"choices":[{"index":0,"delta":{"content":"a","__proto__":{"polluted":1}},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    );
    expect(wholeText('chat', stream)).toContain('"__proto__":{"polluted":1}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['it was cut off', [chunk(part({ content: 'a' }))]],
    ['it holds an error', [chunk(part({ content: 'a' })), { error: { message: 'Busy' } }, end, '[DONE]']],
    ['an event is broken', [chunk(part({ content: 'a' })), '{"choices":[', end, '[DONE]']],
    ['no choice came', ['[DONE]']],
  ])('a stream cannot be converted when %s', (_name, events) => {
    expect(whole('chat', ...events)).toBeUndefined();
  });
});

describe('responses', () => {
  const item = { id: 'msg_1', type: 'message', content: [{ type: 'output_text', text: 'four' }] };
  const done = { type: 'response.output_item.done', output_index: 0, item };
  const response = { id: 'resp_1', status: 'completed', output: [item], unheard_of: 9_007_199 };

  test('the response of the last event is the answer', () => {
    expect(whole('responses', done, { type: 'response.completed', response })).toEqual(response);
  });

  test('an output that the last event leaves out is taken from the items', () => {
    expect(whole('responses', done, { type: 'response.completed', response: { ...response, output: [] } })).toEqual(
      response,
    );
  });

  test.each([
    ['has not ended', [done]],
    ['failed', [{ type: 'response.failed', response: { ...response, status: 'failed' } }]],
    [
      'holds an error',
      [
        { type: 'error', message: 'Busy' },
        { type: 'response.completed', response },
      ],
    ],
  ])('a stream that %s cannot be converted', (_name, events) => {
    expect(whole('responses', ...events)).toBeUndefined();
  });
});

describe('messages', () => {
  const start = {
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'c',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 5, output_tokens: 1, service_tier: 'standard' },
    },
  };
  const begin = (index: number, contentBlock: object): object => ({
    type: 'content_block_start',
    index,
    content_block: contentBlock,
  });
  const piece = (index: number, delta: object): object => ({ type: 'content_block_delta', index, delta });
  const close = (index: number): object => ({ type: 'content_block_stop', index });
  const end = [
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null },
      usage: { input_tokens: 9, output_tokens: 20 },
    },
    { type: 'message_stop' },
  ];

  test('blocks of every kind are put together', () => {
    const body = whole(
      'messages',
      start,
      begin(0, { type: 'thinking', thinking: '', signature: '' }),
      { type: 'ping' },
      piece(0, { type: 'thinking_delta', thinking: 'Let ' }),
      piece(0, { type: 'thinking_delta', thinking: 'me' }),
      piece(0, { type: 'signature_delta', signature: 'sig' }),
      close(0),
      begin(1, { type: 'redacted_thinking', data: 'xx' }),
      close(1),
      begin(2, { type: 'text', text: '', citations: [] }),
      piece(2, { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'a' } }),
      piece(2, { type: 'text_delta', text: 'four' }),
      close(2),
      begin(3, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {}, caller: { type: 'direct' } }),
      piece(3, { type: 'input_json_delta', partial_json: '' }),
      piece(3, { type: 'input_json_delta', partial_json: '{"a":' }),
      piece(3, { type: 'input_json_delta', partial_json: '1}' }),
      close(3),
      ...end,
    );
    expect(body).toEqual({
      ...start.message,
      content: [
        { type: 'thinking', thinking: 'Let me', signature: 'sig' },
        { type: 'redacted_thinking', data: 'xx' },
        { type: 'text', text: 'four', citations: [{ type: 'char_location', cited_text: 'a' }] },
        { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 }, caller: { type: 'direct' } },
      ],
      stop_reason: 'end_turn',
      stop_details: null,
      usage: { input_tokens: 9, output_tokens: 20, service_tier: 'standard' },
    });
  });

  test('whole numbers past 2^53 in tool arguments stay as they were written', () => {
    const input = { type: 'input_json_delta', partial_json: '{"id":9007199254740993}' };
    const text = wholeText(
      'messages',
      sse(start, begin(0, { type: 'tool_use', input: {} }), piece(0, input), close(0), ...end),
    );
    expect(text).toContain('{"id":9007199254740993}');
  });

  test.each([
    ['has not ended', [start, begin(0, { type: 'text', text: '' }), close(0)]],
    ['holds an error', [start, { type: 'error', error: { message: 'Busy' } }, ...end]],
    [
      'has arguments that are no JSON',
      [
        start,
        begin(0, { type: 'tool_use', input: {} }),
        piece(0, { type: 'input_json_delta', partial_json: '{"a' }),
        close(0),
        ...end,
      ],
    ],
    [
      'leaves a tool call open',
      [
        start,
        begin(0, { type: 'tool_use', input: {} }),
        piece(0, { type: 'input_json_delta', partial_json: '{}' }),
        ...end,
      ],
    ],
    [
      'has a delta of a kind that is not known',
      [start, begin(0, { type: 'text', text: '' }), piece(0, { type: 'novel_delta' }), close(0), ...end],
    ],
    ['has a delta without its block', [start, piece(0, { type: 'text_delta', text: 'a' }), ...end]],
    ['has no start', end],
  ])('a stream that %s cannot be converted', (_name, events) => {
    expect(whole('messages', ...events)).toBeUndefined();
  });
});

test('endpoints that do not stream have nothing to convert', () => {
  expect(whole('embeddings', '[DONE]')).toBeUndefined();
  expect(whole('count-tokens', '[DONE]')).toBeUndefined();
});
