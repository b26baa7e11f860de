import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  continued,
  framesOf,
  joinedBytes,
  partialOf,
  requestOf,
  sse,
  STREAMING_ENDPOINTS,
  type StreamingEndpoint,
  textStream,
} from '../../test/support/continued-streams.ts';
import type { ContinuationWay } from './continuation-way.ts';
import { ContinuedStream } from './continued-stream.ts';
import { convertReply } from './convert-reply.ts';
import { PartialAnswer } from './partial-answer.ts';
import { eventsOf } from './replay-events.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import type { ReplyFrame } from './reply-frame.ts';
import { SseFramer } from './sse-framer.ts';
import { streamReader } from './stream-reader.ts';
import type { Fields } from './usage-count.ts';

const STORY = 'A farthing was a quarter of a penny.\n\n  It bore a wren, the smallest bird \u{1F426} of the land.';

function pieces(text: string, size: number): readonly string[] {
  return text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? [];
}

function wholeOf(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): Fields {
  const whole = convertReply(endpoint, 'stream', joinedBytes(frames))?.[0];
  if (whole === undefined) throw new Error('the stream is not whole');
  return JSON.parse(new TextDecoder().decode(whole.bytes));
}

/** The whole answer's text, of one choice, all text blocks or all message items. */
function textOf(endpoint: StreamingEndpoint, whole: Fields): string {
  if (endpoint === 'chat') return String(objectOf(objectsOf(whole['choices'])[0]?.['message'])?.['content'] ?? '');
  const blocks = endpoint === 'messages' ? [whole] : objectsOf(whole['output']);
  return blocks
    .flatMap((block) => objectsOf(block['content']))
    .map((block) => block['text'])
    .join('');
}

function dataOf(frames: readonly ReplyFrame[]): readonly Fields[] {
  return (eventsOf(joinedBytes(frames)) ?? []).map(({ data }) => data ?? { type: '[DONE]' });
}

function typesOf(frames: readonly ReplyFrame[]): readonly unknown[] {
  return dataOf(frames).map((event) => event['type']);
}

/** What every stream must hold, whatever it was made of. */
function expectOneStream(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): void {
  const reader = streamReader(endpoint);
  const roles = new SseFramer().push(joinedBytes(frames)).map((frame) => reader.read(frame));
  expect(roles).not.toContain('error');
  expect(roles.filter((role) => role === 'terminal')).toHaveLength(1);
  expect(roles.at(-1)).toBe('terminal');
  expect(reader.facts()).toMatchObject({ ended: true, finish: 'complete' });
  RULES[endpoint](dataOf(frames));
}

const RULES: Readonly<Record<StreamingEndpoint, (events: readonly Fields[]) => void>> = {
  chat: (events) => {
    const chunks = events.filter((event) => 'choices' in event);
    const choices = chunks.flatMap((chunk) => objectsOf(chunk['choices']));
    for (const name of ['id', 'created', 'model']) expect(new Set(chunks.map((chunk) => chunk[name])).size).toBe(1);
    expect(choices.filter((choice) => objectOf(choice['delta'])?.['role'] !== undefined)).toHaveLength(1);
    expect(choices.filter((choice) => typeof choice['finish_reason'] === 'string')).toHaveLength(1);
    expect(chunks.filter((chunk) => objectsOf(chunk['choices']).length === 0)).toHaveLength(1);
  },
  messages: (events) => {
    let open: unknown;
    let next = 0;
    for (const { type, index } of events) {
      if (type === 'content_block_start') {
        expect([open, index]).toEqual([undefined, next]);
        open = index;
        next += 1;
      } else if (type === 'content_block_delta') expect(index).toBe(open);
      else if (type === 'content_block_stop') {
        expect(index).toBe(open);
        open = undefined;
      } else if (type === 'message_delta') expect(open).toBeUndefined();
    }
    for (const type of ['message_start', 'message_delta', 'message_stop'])
      expect(events.filter((event) => event['type'] === type)).toHaveLength(1);
  },
  responses: (events) => {
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_event, place) => place));
    const of = (type: string): readonly Fields[] => events.filter((event) => event['type'] === type);
    const added = of('response.output_item.added');
    expect(added.map((event) => event['output_index'])).toEqual(added.map((_event, place) => place));
    expect(of('response.output_item.done').map((event) => objectOf(event['item'])?.['id'])).toEqual(
      added.map((event) => objectOf(event['item'])?.['id']),
    );
    const last = objectOf(events.at(-1)?.['response']);
    expect(last?.['output']).toEqual(of('response.output_item.done').map((event) => event['item']));
    expect(last?.['id']).toBe(objectOf(events[0]?.['response'])?.['id']);
    const done = of('response.output_text.done').map((event) => event['text']);
    const deltas = of('response.output_text.delta').map((event) => event['delta']);
    expect(done.join('')).toBe(deltas.join(''));
    expect(of('response.content_part.done').map((event) => objectOf(event['part'])?.['text'])).toEqual(done);
    expect(of('response.content_part.added')).toHaveLength(done.length);
  },
};

const USAGE: Readonly<Record<StreamingEndpoint, object>> = {
  chat: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
  messages: { input_tokens: 'second'.length, output_tokens: 7 },
  responses: { input_tokens: 5, output_tokens: 7, total_tokens: 12 },
};

describe.each(STREAMING_ENDPOINTS)('%s', (endpoint) => {
  test('a stream broken behind any frame goes on as one stream with the text once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom<ContinuationWay>('prefill', 'instruct'),
        fc.nat(40),
        (size, secondSize, way, repeated) => {
          const first = framesOf(endpoint, textStream(endpoint, 'a', pieces(STORY, size)));
          for (let border = 1; border < first.length; border += 1) {
            const relayed = first.slice(0, border);
            const partial = partialOf(endpoint, relayed);
            if (partial === undefined) {
              const answer = new PartialAnswer(requestOf(endpoint));
              for (const frame of relayed) answer.take(frame);
              expect(answer.obstacle()).toBe('finished');
              continue;
            }
            const seen = partial.text.trimEnd();
            const again = way === 'instruct' && repeated >= 12 ? seen.slice(-repeated) : '';
            const sent =
              (again.trimStart().length < 12 ? '' : again) +
              STORY.slice(seen.length) +
              (partial.isTextClosed ? ' So.' : '');
            const second = framesOf(endpoint, textStream(endpoint, 'second', pieces(sent, secondSize)));
            const all = continued(endpoint, relayed, second, way) ?? [];
            expectOneStream(endpoint, all);
            const whole = wholeOf(endpoint, all);
            expect(textOf(endpoint, whole)).toBe(STORY + (partial.isTextClosed ? ' So.' : ''));
            expect(whole).toMatchObject({
              id: expect.stringMatching(/_a$|-a$/),
              model: 'model-a',
              usage: USAGE[endpoint],
            });
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test('a stream may break again and again', () => {
    const words = pieces(STORY, 4);
    let relayed: readonly ReplyFrame[] = framesOf(endpoint, textStream(endpoint, 'a', words)).slice(0, 8);
    for (const name of ['b', 'c', 'd']) {
      const text = partialOf(endpoint, relayed)?.text ?? '';
      const second = framesOf(endpoint, textStream(endpoint, name, pieces(STORY.slice(text.trimEnd().length), 3)));
      relayed = continued(endpoint, relayed, name === 'd' ? second : second.slice(0, 9)) ?? [];
    }
    expectOneStream(endpoint, relayed);
    expect(textOf(endpoint, wholeOf(endpoint, relayed))).toBe(STORY);
  });

  test('the text that a repetition held back comes before the end of its block', () => {
    const first = framesOf(endpoint, textStream(endpoint, 'a', ['The quick brown fox jumps'])).slice(0, -3);
    const whole = wholeOf(
      endpoint,
      continued(
        endpoint,
        first.filter(
          (frame) => !/done|finish_reason":"|block_stop|"usage":\{"p/.test(new TextDecoder().decode(frame.bytes)),
        ),
        framesOf(endpoint, textStream(endpoint, 'b', ['brown fox'])),
        'instruct',
      ) ?? [],
    );
    expect(textOf(endpoint, whole)).toBe('The quick brown fox jumpsbrown fox');
  });

  test('comments and errors pass as they are', () => {
    const partial = partialOf(endpoint, framesOf(endpoint, textStream(endpoint, 'a', ['Hi'])).slice(0, 2));
    if (partial === undefined) throw new Error('not continuable');
    const frames = framesOf(endpoint, ': wait\n\nevent: error\ndata: {"type":"error","error":{"message":"Busy"}}\n\n');
    expect(new ContinuedStream(partial, 'prefill').take(frames)).toEqual(frames);
  });

  test('nothing that is relayed waits for what follows it', () => {
    const opening = framesOf(endpoint, textStream(endpoint, 'b', ['Hi'])).map(
      (frame) => ({ ...frame, role: 'opening' }) as const,
    );
    const first = framesOf(endpoint, textStream(endpoint, 'a', ['Hi'])).slice(0, 2);
    const roles = continued(endpoint, first, opening)
      ?.slice(2)
      .map(({ role }) => role);
    expect(roles).not.toContain('opening');
  });

  test('numbers past 2^53 stay as they were written', () => {
    const first = framesOf(endpoint, textStream(endpoint, 'a', ['Hi', ' you'])).slice(0, 2);
    const second = textStream(endpoint, 'b', [' there']).replaceAll(
      'output_tokens":7',
      'output_tokens":9007199254740993',
    );
    const third = second.replaceAll('completion_tokens":7', 'completion_tokens":9007199254740993');
    const bytes = joinedBytes(continued(endpoint, first, framesOf(endpoint, third)) ?? []);
    expect(new TextDecoder().decode(bytes)).toContain('9007199254740993');
  });
});

describe('chat', () => {
  const chunk = (delta: object, finish: string | null = null, id = 'a'): object => ({
    id,
    created: 1,
    model: id,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const begun = framesOf('chat', sse(chunk({ role: 'assistant', content: '' }), chunk({ content: 'Hi ' })));

  test('tool calls of the second reply follow the text that was held back', () => {
    const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
    const second = sse(
      chunk({ role: 'assistant', content: null }, null, 'b'),
      chunk({ content: ' ' }, null, 'b'),
      chunk({ tool_calls: [call] }, null, 'b'),
      chunk({}, 'tool_calls', 'b'),
      '[DONE]',
    );
    const { index: _index, ...whole } = call;
    expect(wholeOf('chat', continued('chat', begun, framesOf('chat', second)) ?? [])).toMatchObject({
      id: 'a',
      choices: [{ message: { content: 'Hi ', tool_calls: [whole] }, finish_reason: 'tool_calls' }],
    });
  });

  test('a finish reason that comes with the last text comes behind all of it', () => {
    const second = sse(chunk({ role: 'assistant', content: 'there' }, 'length', 'b'), '[DONE]');
    const all = continued('chat', begun, framesOf('chat', second)) ?? [];
    expect(wholeOf('chat', all)).toMatchObject({
      choices: [{ message: { content: 'Hi there' }, finish_reason: 'length' }],
    });
  });

  test('thoughts in plain text go on; reasoning details that others are there of are dropped', () => {
    const details = {
      reasoning: 'x',
      reasoning_details: [{ type: 'reasoning.text', text: 'x', signature: 's', index: 0 }],
    };
    const second = framesOf(
      'chat',
      sse(chunk(details, null, 'b'), chunk({ content: 'Hi' }), chunk({}, 'stop'), '[DONE]'),
    );
    const fresh = framesOf('chat', sse(chunk({ role: 'assistant' }), chunk({ reasoning: 'w' })));
    const signed = framesOf('chat', sse(chunk({ role: 'assistant', ...details })));
    const message = (first: readonly ReplyFrame[]): unknown =>
      objectsOf(wholeOf('chat', continued('chat', first, second) ?? [])['choices'])[0]?.['message'];
    expect(message(fresh)).toEqual({
      role: 'assistant',
      content: 'Hi',
      reasoning: 'wx',
      reasoning_details: details.reasoning_details,
    });
    expect(message(signed)).toEqual({
      role: 'assistant',
      content: 'Hi',
      reasoning: 'xx',
      reasoning_details: details.reasoning_details,
    });
  });

  test('content in parts goes on as text, its thoughts only where parts came before', () => {
    const parts = {
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
        { type: 'text', text: 'there' },
      ],
    };
    const second = framesOf('chat', sse(chunk(parts, null, 'b'), chunk({}, 'stop'), '[DONE]'));
    const content = (first: readonly ReplyFrame[]): unknown =>
      objectOf(objectsOf(wholeOf('chat', continued('chat', first, second) ?? [])['choices'])[0]?.['message'])?.[
        'content'
      ];
    expect(content(begun)).toBe('Hi there');
    const thought = framesOf('chat', sse(chunk({ role: 'assistant', content: parts.content.slice(0, 1) })));
    expect(content(thought)).toEqual([expect.objectContaining({ type: 'thinking' }), { type: 'text', text: 'there' }]);
  });
});

describe('messages', () => {
  const start = (name: string): object => ({
    type: 'message_start',
    message: {
      id: name,
      type: 'message',
      role: 'assistant',
      content: [],
      usage: { input_tokens: 9, output_tokens: 1 },
    },
  });
  const block = (index: number, contentBlock: object, ...deltas: readonly object[]): readonly object[] => [
    { type: 'content_block_start', index, content_block: contentBlock },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
  const thinking = (index: number, name: string): readonly object[] =>
    block(
      index,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: name },
      { type: 'signature_delta', signature: `sig-${name}` },
    );
  const text = (index: number, value: string): readonly object[] =>
    block(index, { type: 'text', text: '' }, { type: 'text_delta', text: value });
  const tool = (index: number): readonly object[] =>
    block(
      index,
      { type: 'tool_use', id: 't', name: 'f', input: {} },
      { type: 'input_json_delta', partial_json: '{"a":1}' },
    );
  const end = [
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } },
    { type: 'message_stop' },
  ];
  const content = (first: readonly object[], second: readonly object[]): unknown => {
    const all = continued(
      'messages',
      framesOf('messages', sse(...first)),
      framesOf('messages', sse(...second, ...end)),
    );
    RULES.messages(dataOf(all ?? []));
    return wholeOf('messages', all ?? [])['content'];
  };

  test('thoughts before a text that goes on are dropped, blocks behind it follow', () => {
    const first = [start('a'), ...thinking(0, 'x'), ...text(1, 'Hi').slice(0, -1)];
    expect(content(first, [start('b'), ...thinking(0, 'y'), ...text(1, ' there'), ...tool(2)])).toEqual([
      { type: 'thinking', thinking: 'x', signature: 'sig-x' },
      { type: 'text', text: 'Hi there' },
      { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
    ]);
  });

  test('a tool call without text ends the block that is open', () => {
    const first = [start('a'), ...text(0, 'Hi').slice(0, -1)];
    expect(content(first, [start('b'), ...tool(0)])).toEqual([
      { type: 'text', text: 'Hi' },
      { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
    ]);
  });

  test('an answer that says nothing more ends the block that is open', () => {
    expect(content([start('a'), ...text(0, 'Hi').slice(0, -1)], [start('b')])).toEqual([{ type: 'text', text: 'Hi' }]);
  });

  test('thoughts that had ended stay, and those of the second reply follow under their own signature', () => {
    expect(content([start('a'), ...thinking(0, 'x')], [start('b'), ...thinking(0, 'y'), ...text(1, 'Hi')])).toEqual([
      { type: 'thinking', thinking: 'x', signature: 'sig-x' },
      { type: 'thinking', thinking: 'y', signature: 'sig-y' },
      { type: 'text', text: 'Hi' },
    ]);
  });

  test('a text that stands in the start of its block is not lost', () => {
    const whole = [{ type: 'content_block_start', index: 0, content_block: { type: 'text', text: ' there' } }];
    const stop = { type: 'content_block_stop', index: 0 };
    expect(content([start('a'), ...text(0, 'Hi').slice(0, -1)], [start('b'), ...whole, stop])).toEqual([
      { type: 'text', text: 'Hi there' },
    ]);
    expect(content([start('a')], [start('b'), ...whole, stop])).toEqual([{ type: 'text', text: ' there' }]);
  });
});

describe('responses', () => {
  const response = (name: string, rest: object): object => ({ id: name, model: name, max_output_tokens: 50, ...rest });
  const created = (name: string): object => ({ type: 'response.created', response: response(name, { output: [] }) });
  const reasoning = (index: number, id: string): readonly object[] => [
    { type: 'response.output_item.added', output_index: index, item: { id, type: 'reasoning', summary: [] } },
    { type: 'response.output_item.done', output_index: index, item: { id, type: 'reasoning', summary: [id] } },
  ];
  const call = { id: 'fc', type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' };
  const calls = (index: number): readonly object[] => [
    { type: 'response.output_item.added', output_index: index, item: { ...call, arguments: '' } },
    { type: 'response.function_call_arguments.delta', output_index: index, item_id: 'fc', delta: '{}' },
    { type: 'response.function_call_arguments.done', output_index: index, item_id: 'fc', arguments: '{}' },
    { type: 'response.output_item.done', output_index: index, item: call },
  ];
  const message = (index: number, id: string, type: 'output_text' | 'refusal', value: string): readonly object[] => {
    const at = { output_index: index, item_id: id, content_index: 0 };
    const name = type === 'refusal' ? 'refusal' : 'text';
    const part = { type, [name]: value };
    const item = { id, type: 'message', status: 'completed', content: [part] };
    return [
      {
        type: 'response.output_item.added',
        output_index: index,
        item: { ...item, status: 'in_progress', content: [] },
      },
      { type: 'response.content_part.added', ...at, part: { type, [name]: '' } },
      { type: `response.${type}.delta`, ...at, delta: value },
      { type: `response.${type}.done`, ...at, [name]: value },
      { type: 'response.content_part.done', ...at, part },
      { type: 'response.output_item.done', output_index: index, item },
    ];
  };
  const last = (name: string): object => ({
    type: 'response.completed',
    response: response(name, { status: 'completed', output: [], max_output_tokens: 40, usage: { input_tokens: 3 } }),
  });
  const numbered = (events: readonly object[]): string =>
    sse(...events.map((event, place) => ({ ...event, sequence_number: place })));
  const run = (first: readonly object[], second: readonly object[]): readonly ReplyFrame[] =>
    continued(
      'responses',
      framesOf('responses', numbered(first)),
      framesOf('responses', numbered([...second, last('b')])),
    ) ?? [];
  const open = [created('a'), ...reasoning(0, 'rs_a'), ...message(1, 'msg_a', 'output_text', 'Hi').slice(0, 3)];
  const hi = (text: string): object => ({ id: 'msg_a', type: 'message', content: [{ type: 'output_text', text }] });

  test('reasoning before a text that goes on is dropped, items behind it follow', () => {
    const second = [created('b'), ...reasoning(0, 'rs_b'), ...message(1, 'msg_b', 'output_text', ' you'), ...calls(2)];
    const all = run(open, second);
    RULES.responses(dataOf(all));
    expect(wholeOf('responses', all)).toMatchObject({
      id: 'a',
      model: 'a',
      max_output_tokens: 50,
      usage: { input_tokens: 3 },
      output: [{ id: 'rs_a' }, hi('Hi you'), call],
    });
    expect(JSON.stringify(dataOf(all))).not.toContain('msg_b');
  });

  test('a tool call without text ends the message that is open', () => {
    const all = run(open, [created('b'), ...calls(0)]);
    RULES.responses(dataOf(all));
    expect(wholeOf('responses', all)).toMatchObject({ output: [{ id: 'rs_a' }, hi('Hi'), call] });
  });

  test('an answer that says nothing more ends the message that is open', () => {
    const all = run(open, [created('b')]);
    RULES.responses(dataOf(all));
    expect(wholeOf('responses', all)).toMatchObject({ status: 'completed', output: [{ id: 'rs_a' }, hi('Hi')] });
  });

  test('a refusal follows in the same message as a part of its own', () => {
    const all = run(open, [created('b'), ...message(0, 'msg_b', 'refusal', 'No.')]);
    expect(wholeOf('responses', all)).toMatchObject({
      output: [
        { id: 'rs_a' },
        {
          id: 'msg_a',
          content: [
            { type: 'output_text', text: 'Hi' },
            { type: 'refusal', refusal: 'No.' },
          ],
        },
      ],
    });
    const refusal = dataOf(all).filter((event) => String(event['type']).startsWith('response.refusal'));
    expect(refusal.map((event) => [event['item_id'], event['content_index']])).toEqual([
      ['msg_a', 1],
      ['msg_a', 1],
    ]);
  });

  test('reasoning that had ended stays, and that of the second reply follows', () => {
    const all = run([created('a'), ...reasoning(0, 'rs_a')], [created('b'), ...reasoning(0, 'rs_b'), ...calls(1)]);
    RULES.responses(dataOf(all));
    expect(wholeOf('responses', all)).toMatchObject({ output: [{ id: 'rs_a' }, { id: 'rs_b' }, call] });
  });

  test('events without numbers stay without', () => {
    const first = framesOf('responses', sse(...open));
    const second = framesOf('responses', sse(created('b'), ...message(0, 'msg_b', 'output_text', ' you'), last('b')));
    const all = continued('responses', first, second) ?? [];
    expect(dataOf(all).some((event) => 'sequence_number' in event)).toBe(false);
    expect(typesOf(all).at(-1)).toBe('response.completed');
  });
});
