import { expect, test } from 'vitest';
import { continued, framesOf, sse } from '../../test/support/continued-streams.ts';
import { expectWellOrdered, wholeOf } from '../../test/support/stream-rules.ts';

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
  const all = continued('messages', framesOf('messages', sse(...first)), framesOf('messages', sse(...second, ...end)));
  expectWellOrdered('messages', all ?? []);
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
