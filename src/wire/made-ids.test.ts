import { expect, test } from 'vitest';
import type { Endpoint } from '../core/model/protocol.ts';
import { CallMadeIds, derivedIds } from './made-ids.ts';

const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  store: true,
  conversation: { id: 'conv_1' },
  instructions: 'file-1',
  metadata: { id: 'resp_stolen', container_id: 'cntr_stolen' },
  tools: [{ type: 'function', parameters: { id: 'resp_stolen' } }],
  output: [
    { type: 'reasoning', id: 'rs_1', summary: [] },
    { type: 'code_interpreter_call', id: 'ci_1', container_id: 'cntr_1' },
    { type: 'message', id: 'msg_1', content: [{ type: 'output_text', text: '{"id":"resp_stolen"}' }] },
  ],
};

const STORED = [
  { id: 'resp_1', kind: 'responses' },
  { id: 'conv_1', kind: 'conversations' },
  { id: 'rs_1', kind: 'items' },
  { id: 'ci_1', kind: 'items' },
  { id: 'cntr_1', kind: 'containers' },
  { id: 'msg_1', kind: 'items' },
];

/** Ids from a stream's events, one list an event. */
function ofEvents(endpoint: Endpoint, events: readonly unknown[]): readonly (readonly string[])[] {
  const ids = new CallMadeIds(endpoint);
  return events.map((event) => {
    const data = typeof event === 'string' ? event : JSON.stringify(event);
    return ids.ofFrame({ bytes: Buffer.from(`data: ${data}\n\n`), event: undefined, data }).map(({ id }) => id);
  });
}

test('a stored response makes its id, its items, its container and its conversation', () => {
  expect(new CallMadeIds('responses').ofReply(RESPONSE)).toEqual(STORED);
});

test('a response that does not say so is stored, as OpenAI has it', () => {
  const { store: _store, ...silent } = RESPONSE;
  expect(new CallMadeIds('responses').ofReply(silent)).toEqual(STORED);
});

test('of a response that is not stored only what the provider may look up is kept', () => {
  const response = {
    ...RESPONSE,
    store: false,
    output: [...RESPONSE.output, { type: 'reasoning', id: 'rs_2', encrypted_content: 'x' }],
  };
  const ids = new CallMadeIds('responses').ofReply(response).map(({ id }) => id);
  expect(ids).toEqual(['conv_1', 'rs_1', 'ci_1', 'cntr_1']);
});

test('a streamed response makes its ids with the event that first names them', () => {
  const events = [
    { type: 'response.created', response: { id: 'resp_1', store: true, output: [] } },
    { type: 'response.output_item.added', item: { type: 'message', id: 'msg_1', content: [] } },
    { type: 'response.output_text.delta', item_id: 'msg_1', delta: '"id"', response: { id: 'resp_2' } },
    { type: 'response.completed', response: RESPONSE },
    '[DONE]',
    'no JSON',
  ];
  expect(ofEvents('responses', events)).toEqual([['resp_1'], ['msg_1'], [], STORED.map(({ id }) => id), [], []]);
});

test('events without a trace of an id need not be read, and a text with one is no trace', () => {
  const mayBe = (endpoint: Endpoint, event: object): boolean =>
    new CallMadeIds(endpoint).mayBeIn(Buffer.from(JSON.stringify(event)));
  const text = '{"item":{"id":"x"},"container":{"id":"x"},"response":1,"file_id":"x"}';
  expect(mayBe('responses', { type: 'response.output_text.delta', item_id: 'msg_1', delta: text })).toBe(false);
  expect(mayBe('messages', { type: 'content_block_delta', delta: { type: 'text_delta', text } })).toBe(false);
  expect(mayBe('responses', { type: 'response.created', response: RESPONSE })).toBe(true);
  expect(mayBe('responses', { type: 'response.output_item.added', item: {} })).toBe(true);
  expect(mayBe('messages', { type: 'message_delta', delta: { container: {} } })).toBe(true);
  expect(mayBe('messages', { content_block: { content: [{ file_id: 'file_1' }] } })).toBe(true);
});

test('an item of a stream that is not stored is kept once it is whole', () => {
  const item = { type: 'reasoning', id: 'rs_1', encrypted_content: '' };
  const events = [
    { type: 'response.created', response: { id: 'resp_1', store: false } },
    { type: 'response.output_item.added', item },
    { type: 'response.output_item.done', item },
    { type: 'response.output_item.done', item: { ...item, encrypted_content: 'x' } },
  ];
  expect(ofEvents('responses', events)).toEqual([[], [], ['rs_1'], []]);
});

test('a message makes the container and the files of its code, and never what a model wrote', () => {
  const result = {
    type: 'bash_code_execution_result',
    content: [{ type: 'bash_code_execution_output', file_id: 'file_1' }],
  };
  const message = {
    id: 'msg_1',
    container: { id: 'container_1' },
    content: [
      { type: 'tool_use', input: { container: { id: 'container_stolen' }, content: [{ file_id: 'file_stolen' }] } },
      { type: 'bash_code_execution_tool_result', content: result },
      { type: 'tool_result', content: result },
    ],
  };
  const expected = ['container_1', 'file_1'];
  expect(new CallMadeIds('messages').ofReply(message).map(({ id }) => id)).toEqual(expected);
  const events = [
    { type: 'message_start', message: { id: 'msg_1', container: null, content: [] } },
    { type: 'content_block_start', content_block: message.content[1] },
    { type: 'content_block_delta', delta: { container: { id: 'container_stolen' } } },
    { type: 'message_delta', delta: { container: { id: 'container_1' } } },
  ];
  expect(ofEvents('messages', events)).toEqual([[], ['file_1'], [], ['container_1']]);
});

test('a batch, a job and an upload name their files', () => {
  expect(derivedIds('batches', { id: 'batch_1', output_file_id: 'file-1', error_file_id: null })).toEqual([
    { id: 'file-1', kind: 'files' },
  ]);
  expect(derivedIds('fine_tuning/jobs', { result_files: ['file-1', 2] })).toEqual([{ id: 'file-1', kind: 'files' }]);
  expect(derivedIds('uploads', { file: { id: 'file-1' } })).toEqual([{ id: 'file-1', kind: 'files' }]);
  expect(derivedIds('responses', RESPONSE)).toEqual(STORED);
  expect(derivedIds('files', { id: 'file-1', output_file_id: 'file-2' })).toEqual([]);
});

test.each([null, 'text', [], { output: 'x' }, { output: [null, 1] }, { id: 7 }])(
  'a reply that is none makes nothing: %j',
  (reply) => {
    expect(new CallMadeIds('responses').ofReply(reply)).toEqual([]);
    expect(new CallMadeIds('messages').ofReply(reply)).toEqual([]);
  },
);
