import { expect, test } from 'vitest';
import { continued, framesOf, numbered, sse } from '../../test/support/continued-streams.ts';
import { dataOf, expectWellOrdered, wholeOf } from '../../test/support/stream-rules.ts';
import type { ReplyFrame } from './reply-frame.ts';

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
  expectWellOrdered('responses', all);
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
  expectWellOrdered('responses', all);
  expect(wholeOf('responses', all)).toMatchObject({ output: [{ id: 'rs_a' }, hi('Hi'), call] });
});

test('an answer that says nothing more ends the message that is open', () => {
  const all = run(open, [created('b')]);
  expectWellOrdered('responses', all);
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
  expectWellOrdered('responses', all);
  expect(wholeOf('responses', all)).toMatchObject({ output: [{ id: 'rs_a' }, { id: 'rs_b' }, call] });
});

test('events without numbers stay without', () => {
  const first = framesOf('responses', sse(...open));
  const second = framesOf('responses', sse(created('b'), ...message(0, 'msg_b', 'output_text', ' you'), last('b')));
  const all = continued('responses', first, second) ?? [];
  expect(dataOf(all).some((event) => 'sequence_number' in event)).toBe(false);
  expect(dataOf(all).at(-1)?.['type']).toBe('response.completed');
});
