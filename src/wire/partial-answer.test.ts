import { expect, test } from 'vitest';
import {
  answerOf,
  framesOf,
  requestOf,
  sse,
  STREAMING_ENDPOINTS,
  type StreamingEndpoint,
  textStream,
} from '../../test/support/continued-streams.ts';
import { PartialAnswer } from './partial-answer.ts';

const chunk = (delta: object, rest: object = {}): object => ({
  id: 'a',
  choices: [{ index: 0, delta, finish_reason: null, ...rest }],
});
const start = { type: 'message_start', message: { id: 'a', type: 'message', content: [] } };
const block = (type: string, index = 0): object => ({ type: 'content_block_start', index, content_block: { type } });
const piece = (delta: object): object => ({ type: 'content_block_delta', index: 0, delta });
const created = { type: 'response.created', response: { id: 'a' } };
const item = (type: string, index = 0): object => ({
  type: 'response.output_item.added',
  output_index: index,
  item: { type },
});
const part = (type: string): object => ({ type: 'response.content_part.added', content_index: 0, part: { type } });

function answer(endpoint: StreamingEndpoint, events: readonly (object | string)[], fields: object = {}): PartialAnswer {
  return answerOf(requestOf(endpoint, fields), framesOf(endpoint, sse(...events)));
}

test.each<[obstacle: string, endpoint: StreamingEndpoint, events: readonly (object | string)[], fields?: object]>([
  ['not-started', 'chat', []],
  ['finished', 'chat', [chunk({ content: 'Hi' }, { finish_reason: 'stop' })]],
  ['finished', 'chat', [chunk({ content: 'Hi' }), '[DONE]']],
  ['several-choices', 'chat', [chunk({ content: 'Hi' })], { n: 2 }],
  ['several-choices', 'chat', [chunk({ content: 'Hi' }, { index: 1 })]],
  ['log-probabilities', 'chat', [chunk({ content: 'Hi' })], { logprobs: true }],
  ['log-probabilities', 'chat', [chunk({ content: 'Hi' }, { logprobs: { content: [{ token: 'Hi' }] } })]],
  ['tool-call', 'chat', [chunk({ tool_calls: [{ index: 0, function: { name: 'f' } }] })]],
  ['tool-call', 'chat', [chunk({ function_call: { name: 'f' } })]],
  ['refusal', 'chat', [chunk({ refusal: 'I' })]],
  ['media', 'chat', [chunk({ audio: { id: 'a' } })]],
  ['media', 'chat', [chunk({ images: [{}] })]],
  ['hosted-tool', 'chat', [chunk({ annotations: [{}] })]],
  ['hosted-tool', 'chat', [{ ...chunk({ content: 'Hi' }), citations: ['https://example.org'] }]],
  ['hosted-tool', 'chat', [chunk({ content: [{ type: 'reference' }] })]],
  ['failed', 'chat', [chunk({ content: 'Hi' }), { error: { message: 'Busy' } }]],
  ['failed', 'chat', [chunk({ content: 'Hi' }), '{"choices":[']],
  ['not-started', 'messages', [{ type: 'ping' }]],
  ['finished', 'messages', [start, { type: 'message_delta', delta: { stop_reason: 'end_turn' } }]],
  ['finished', 'messages', [start, { type: 'message_stop' }]],
  ['open-thinking', 'messages', [start, block('thinking')]],
  ['tool-call', 'messages', [start, block('tool_use')]],
  ['hosted-tool', 'messages', [start, block('server_tool_use')]],
  ['citations', 'messages', [start, block('text'), piece({ type: 'citations_delta' })]],
  ['unknown-event', 'messages', [start, block('text'), piece({ type: 'novel_delta' })]],
  ['unknown-event', 'messages', [start, block('text', 1)]],
  ['not-started', 'responses', []],
  ['finished', 'responses', [created, { type: 'response.completed', response: {} }]],
  ['log-probabilities', 'responses', [created], { include: ['message.output_text.logprobs'] }],
  ['log-probabilities', 'responses', [created], { top_logprobs: 2 }],
  [
    'log-probabilities',
    'responses',
    [created, item('message'), part('output_text'), { type: 'response.output_text.delta', delta: 'H', logprobs: [{}] }],
  ],
  ['open-thinking', 'responses', [created, item('reasoning')]],
  ['tool-call', 'responses', [created, item('function_call')]],
  ['hosted-tool', 'responses', [created, item('web_search_call')]],
  ['refusal', 'responses', [created, item('message'), part('refusal')]],
  [
    'citations',
    'responses',
    [created, item('message'), part('output_text'), { type: 'response.output_text.annotation.added' }],
  ],
  ['media', 'responses', [created, { type: 'response.audio.delta', delta: 'AA' }]],
  ['unknown-event', 'responses', [created, { type: 'response.novel.event' }]],
  ['unknown-event', 'responses', [created, item('message'), { type: 'response.output_text.delta', delta: 'Hi' }]],
  ['unknown-event', 'responses', [created, item('message'), item('message', 1)]],
])('%s: %s cannot be continued', (obstacle, endpoint, events, fields) => {
  const broken = answer(endpoint, events, fields);
  expect([broken.obstacle(), broken.partial()]).toEqual([obstacle, undefined]);
});

test.each(STREAMING_ENDPOINTS)('%s: the text is that of every frame so far', (endpoint) => {
  const request = requestOf(endpoint);
  const progress = new PartialAnswer(request);
  let seen = '';
  for (const frame of framesOf(endpoint, textStream(endpoint, 'a', ['The', ' quick', ' \u{1F98A}']))) {
    progress.take(frame);
    const text = progress.partial()?.text ?? 'The quick \u{1F98A}';
    expect('The quick \u{1F98A}'.startsWith(text) && text.startsWith(seen)).toBe(true);
    seen = text;
  }
  expect(seen).toBe('The quick \u{1F98A}');
});

test('thoughts that were relayed are told of and are no text', () => {
  const partials = [
    answer('chat', [chunk({ role: 'assistant', reasoning_content: 'hm' })]).partial(),
    answer('messages', [start, block('thinking'), { type: 'content_block_stop', index: 0 }]).partial(),
    answer('responses', [
      created,
      item('reasoning'),
      { type: 'response.reasoning_summary_text.delta', delta: 'hm' },
      { type: 'response.output_item.done', output_index: 0, item: { type: 'reasoning' } },
    ]).partial(),
  ];
  for (const partial of partials) expect(partial).toMatchObject({ text: '', hasThinking: true, isTextClosed: false });
});

test('a text whose block had ended is told of', () => {
  const stop = { type: 'content_block_stop', index: 0 };
  const events = [start, block('text'), piece({ type: 'text_delta', text: 'Hi' })];
  expect(answer('messages', events).partial()).toMatchObject({ text: 'Hi', isTextClosed: false });
  expect(answer('messages', [...events, stop]).partial()).toMatchObject({ text: 'Hi', isTextClosed: true });
});

test('more text than is kept is given up and let go of', () => {
  const long = chunk({ content: 'x'.repeat(1024 * 1024) });
  expect(answer('chat', [long, long, long, long]).partial()?.text).toHaveLength(4 * 1024 * 1024);
  expect(answer('chat', [long, long, long, long, chunk({ content: 'x' })]).obstacle()).toBe('too-long');
});

test('endpoints that do not stream have no partial answer', () => {
  expect(() => new PartialAnswer({ endpoint: 'embeddings', samples: 1, body: {} })).toThrow(RangeError);
});
