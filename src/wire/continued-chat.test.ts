import { expect, test } from 'vitest';
import { continued, framesOf, sse } from '../../test/support/continued-streams.ts';
import { wholeOf } from '../../test/support/stream-rules.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import type { ReplyFrame } from './reply-frame.ts';

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

test('text that was held back is sent at the end of a stream that gives no finish reason', () => {
  const first = framesOf('chat', sse(chunk({ role: 'assistant', content: 'The quick brown fox jumps' })));
  const second = framesOf('chat', sse(chunk({ content: 'brown fox' }, null, 'b'), '[DONE]'));
  expect(wholeOf('chat', continued('chat', first, second, 'instruct') ?? [])).toMatchObject({
    choices: [{ message: { content: 'The quick brown fox jumpsbrown fox' } }],
  });
});
