import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../core/model/protocol.ts';
import { streamFromWhole } from './replay-stream-from-whole.ts';
import { wholeFromStream } from './replay-whole-from-stream.ts';
import type { Fields } from './usage-count.ts';

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function streamText(endpoint: Endpoint, body: unknown): string | undefined {
  const bytes = streamFromWhole(endpoint, encode(body));
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function events(endpoint: Endpoint, body: unknown): readonly Fields[] {
  const lines = (streamText(endpoint, body) ?? '').split('\n').filter((line) => line.startsWith('data: {'));
  return lines.map((line): Fields => JSON.parse(line.slice('data: '.length)));
}

function again(endpoint: Endpoint, body: unknown): unknown {
  const stream = streamFromWhole(endpoint, encode(body));
  const whole = stream === undefined ? undefined : wholeFromStream(endpoint, stream);
  return whole === undefined ? undefined : JSON.parse(new TextDecoder().decode(whole));
}

describe('chat', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const head = { id: 'chatcmpl-1', object: 'chat.completion', created: 7, model: 'm', service_tier: 'default' };
  const choice = {
    index: 0,
    message: { role: 'assistant', content: 'Hi', refusal: null, annotations: [] },
    logprobs: null,
    finish_reason: 'stop',
  };

  test('role, text, end and usage come in this order, then [DONE]', () => {
    const body = { ...head, choices: [choice], usage, prompt_filter_results: [] };
    const base = { ...head, object: 'chat.completion.chunk' };
    const part = (delta: object, finishReason: string | null = null): object => ({
      index: 0,
      delta,
      logprobs: null,
      finish_reason: finishReason,
    });
    expect(events('chat', body)).toEqual([
      { ...base, prompt_filter_results: [], choices: [part({ role: 'assistant', content: '', refusal: null })] },
      { ...base, choices: [part({ content: 'Hi' })] },
      { ...base, choices: [part({ annotations: [] })] },
      { ...base, choices: [part({}, 'stop')] },
      { ...base, choices: [], usage },
    ]);
    expect(streamText('chat', body)?.endsWith('\n\ndata: [DONE]\n\n')).toBe(true);
  });

  test('reasoning comes before the text, and tool calls get an index each', () => {
    const calls = [
      { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
      { id: 'b', type: 'function', function: { name: 'g', arguments: '{"x":1}' } },
    ];
    const message = { role: 'assistant', content: 'Hi', tool_calls: calls, reasoning: 'Hm' };
    const deltas = events('chat', { ...head, choices: [{ ...choice, message }] }).map(({ choices }) =>
      JSON.stringify(choices),
    );
    expect(deltas.findIndex((delta) => delta.includes('Hm'))).toBeLessThan(
      deltas.findIndex((delta) => delta.includes('Hi')),
    );
    expect(deltas.filter((delta) => delta.includes('"tool_calls":[{"index":'))).toHaveLength(2);
    expect(again('chat', { ...head, choices: [{ ...choice, message }] })).toMatchObject({ choices: [{ message }] });
  });

  test('a body without usage gets no usage chunk', () => {
    expect(
      events('chat', { ...head, choices: [choice] }).filter(({ choices }) => JSON.stringify(choices) === '[]'),
    ).toEqual([]);
  });

  test('any message comes back as it was', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 });
    const call = fc.record({
      id: fc.uuid(),
      type: fc.constant('function'),
      function: fc.record({ name: text, arguments: text }),
    });
    const message = fc.record(
      {
        role: fc.constant('assistant'),
        content: fc.option(text),
        refusal: fc.option(text),
        reasoning_content: text,
        tool_calls: fc.uniqueArray(call, { minLength: 1, maxLength: 3, selector: ({ id }) => id }),
        annotations: fc.array(fc.record({ type: fc.constant('url_citation'), url: text }), { maxLength: 2 }),
        audio: fc.record({ id: text, data: text, transcript: text, expires_at: fc.nat() }),
      },
      { requiredKeys: ['role', 'content'] },
    );
    const logprobs = fc.option(
      fc.record({
        content: fc.array(
          fc.record({ token: text, logprob: fc.double({ noNaN: true, noDefaultInfinity: true, max: -1e-9 }) }),
        ),
      }),
    );
    const finish = fc.constantFrom('stop', 'tool_calls');
    const choices = fc.array(fc.record({ message, logprobs, finish_reason: finish }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(choices, (list) => {
        const body = { ...head, choices: list.map((one, index) => ({ index, ...one })), usage };
        expect(again('chat', body)).toEqual(JSON.parse(JSON.stringify(body)));
      }),
    );
  });

  test.each([
    ['an error', { error: { message: 'Busy' }, choices: [choice] }],
    ['no choices', { ...head, choices: [] }],
    ['a choice without a message', { ...head, choices: [{ index: 0, finish_reason: 'stop' }] }],
  ])('a body with %s makes no stream', (_name, body) => {
    expect(streamText('chat', body)).toBeUndefined();
  });
});

describe('responses', () => {
  const part = { type: 'output_text', text: 'four', annotations: [{ type: 'url_citation' }], logprobs: [] };
  const output = [
    { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'x' },
    {
      id: 'msg_1',
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [part, { type: 'refusal', refusal: 'No' }],
    },
    { id: 'fc_1', type: 'function_call', status: 'completed', call_id: 'call_1', name: 'f', arguments: '{"a":1}' },
    { id: 'ct_1', type: 'custom_tool_call', call_id: 'call_2', name: 'g', input: 'free text' },
  ];
  const body = {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    error: null,
    incomplete_details: null,
    model: 'm',
    output,
    usage: { input_tokens: 1, output_tokens: 2 },
  };

  test('the events come in the order of the protocol, numbered', () => {
    const list = events('responses', body);
    expect(list.map(({ sequence_number: number }) => number)).toEqual(list.map((_event, index) => index));
    expect(list.map(({ type }) => String(type).replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.done',
      'output_text.annotation.added',
      'content_part.done',
      'content_part.added',
      'refusal.delta',
      'refusal.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'output_item.added',
      'custom_tool_call_input.delta',
      'custom_tool_call_input.done',
      'output_item.done',
      'completed',
    ]);
  });

  test('what has not been said yet is not in the first events', () => {
    const [created] = events('responses', body);
    expect(created).toMatchObject({ response: { id: 'resp_1', status: 'in_progress', output: [], usage: null } });
    const added = events('responses', body).filter(({ type }) => type === 'response.output_item.added');
    expect(JSON.stringify(added)).not.toMatch(/four|Hm|free text|\{\\"a/);
  });

  test('the response comes back as it was, an incomplete one too', () => {
    expect(again('responses', body)).toEqual(body);
    const cut = { ...body, status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    expect(again('responses', cut)).toEqual(cut);
  });

  test.each(['failed', 'queued', 'in_progress'])('a %s response makes no stream', (status) => {
    expect(streamText('responses', { ...body, status })).toBeUndefined();
  });
});

describe('messages', () => {
  const content = [
    { type: 'thinking', thinking: 'Hm', signature: 'sig' },
    { type: 'redacted_thinking', data: 'xx' },
    { type: 'text', text: 'four', citations: [{ type: 'char_location', cited_text: 'a' }] },
    { type: 'text', text: '', citations: null },
    { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } },
    { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} },
  ];
  const body = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'c',
    content,
    stop_reason: 'tool_use',
    stop_sequence: null,
    stop_details: null,
    container: { id: 'c1' },
    usage: { input_tokens: 9, output_tokens: 20, service_tier: 'standard' },
  };

  test('the events come in the order of the protocol, each with its name', () => {
    const text = streamText('messages', { ...body, content: content.slice(2, 3) }) ?? '';
    expect(text.split('\n').filter((line) => line.startsWith('event: '))).toEqual(
      [
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ].map((name) => `event: ${name}`),
    );
    const [start] = events('messages', body);
    expect(start).toMatchObject({
      message: { id: 'msg_1', content: [], stop_reason: null, usage: { input_tokens: 9, output_tokens: 0 } },
    });
  });

  test('the message comes back as it was', () => {
    expect(again('messages', body)).toEqual(body);
  });

  test('whole numbers past 2^53 in tool input stay as they were written', () => {
    const text = JSON.stringify(body).replace('{"a":1}', '{"a":9007199254740993}');
    const stream = new TextDecoder().decode(streamFromWhole('messages', new TextEncoder().encode(text)));
    expect(stream).toContain(String.raw`{\"a\":9007199254740993}`);
  });

  test.each([
    ['an error', { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }],
    ['no stop reason', { ...body, stop_reason: null }],
  ])('a body with %s makes no stream', (_name, faulty) => {
    expect(streamText('messages', faulty)).toBeUndefined();
  });
});

test('bodies that are no JSON object, and endpoints that do not stream, make none', () => {
  expect(streamText('chat', [])).toBeUndefined();
  expect(streamFromWhole('chat', new TextEncoder().encode('{"choices"'))).toBeUndefined();
  expect(streamText('embeddings', { data: [] })).toBeUndefined();
});
