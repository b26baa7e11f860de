import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mayNameIds, namedIds } from './named-ids.ts';

const user = (...content: readonly unknown[]): object => ({ role: 'user', content });

/** Bodies that name an id, as the official clients write them: endpoint, body, param of the id, id. */
const NAMED = [
  ['responses', { input: 'x', previous_response_id: 'resp_1' }, 'previous_response_id', 'resp_1'],
  ['responses', { input: 'x', conversation: 'conv_1' }, 'conversation', 'conv_1'],
  ['responses', { input: 'x', conversation: { id: 'conv_1' } }, 'conversation.id', 'conv_1'],
  ['responses', { input: [user({ type: 'input_file', file_id: 'file-1' })] }, 'input[0].content[0].file_id', 'file-1'],
  [
    'responses',
    { input: [user({ type: 'input_image', file_id: 'any shape' })] },
    'input[0].content[0].file_id',
    'any shape',
  ],
  ['responses', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }, 'tools[0].vector_store_ids', 'vs_1'],
  ['responses', { tools: [{ type: 'code_interpreter', container: 'cntr_1' }] }, 'tools[0].container', 'cntr_1'],
  [
    'responses',
    { tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: ['file-1'] } }] },
    'tools[0].container.file_ids',
    'file-1',
  ],
  [
    'responses',
    { tools: [{ type: 'shell', environment: { type: 'container_reference', container_id: 'cntr_1' } }] },
    'tools[0].environment.container_id',
    'cntr_1',
  ],
  [
    'responses',
    {
      tools: [
        { type: 'shell', environment: { type: 'container_auto', skills: [{ skill_id: 'skill_1' }], file_ids: [] } },
      ],
    },
    'tools[0].environment.skills[0].skill_id',
    'skill_1',
  ],
  [
    'responses',
    { tools: [{ type: 'image_generation', input_image_mask: { file_id: 'file-1' } }] },
    'tools[0].input_image_mask.file_id',
    'file-1',
  ],
  ['responses', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0].id', 'msg_1'],
  ['responses', { input: [{ id: 'msg_1' }] }, 'input[0].id', 'msg_1'],
  ['responses', { input: [{ type: null, id: 'msg_1' }] }, 'input[0].id', 'msg_1'],
  ['responses', { input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] }, 'input[0].id', 'rs_1'],
  ['responses', { input: [{ type: 'reasoning', id: 'rs_1', encrypted_content: '' }] }, 'input[0].id', 'rs_1'],
  ['responses', { input: [{ type: 'image_generation_call', id: 'ig_1', result: null }] }, 'input[0].id', 'ig_1'],
  ['responses', { input: [{ type: 'file_search_call', id: 'fs_1', results: [] }] }, 'input[0].id', 'fs_1'],
  ['responses', { input: [{ type: 'web_search_call', id: 'ws_1', action: {} }] }, 'input[0].id', 'ws_1'],
  [
    'responses',
    { prompt: { id: 'pmpt_1', variables: { photo: { type: 'input_image', file_id: 'file-1' } } } },
    'prompt.variables.photo.file_id',
    'file-1',
  ],
  [
    'chat',
    { messages: [user({ type: 'file', file: { file_id: 'file-1' } })] },
    'messages[0].content[0].file.file_id',
    'file-1',
  ],
  [
    'messages',
    { messages: [user({ type: 'document', source: { type: 'file', file_id: 'file_1' } })] },
    'messages[0].content[0].source.file_id',
    'file_1',
  ],
  [
    'messages',
    {
      messages: [
        user({ type: 'tool_result', content: [{ type: 'image', source: { type: 'file', file_id: 'file_1' } }] }),
      ],
    },
    'messages[0].content[0].content[0].source.file_id',
    'file_1',
  ],
  [
    'messages',
    { messages: [user({ type: 'container_upload', file_id: 'file_1' })] },
    'messages[0].content[0].file_id',
    'file_1',
  ],
  ['messages', { container: 'container_1' }, 'container', 'container_1'],
  ['messages', { container: { id: 'container_1', skills: [] } }, 'container.id', 'container_1'],
  [
    'count-tokens',
    { system: [{ type: 'document', source: { type: 'file', file_id: 'file_1' } }] },
    'system[0].source.file_id',
    'file_1',
  ],
] as const;

test.each(NAMED)('a %s body names an id: %j', (endpoint, body, param, id) => {
  expect(mayNameIds(endpoint, Buffer.from(JSON.stringify(body)))).toBe(true);
  expect(namedIds(body)).toEqual([{ id, param }]);
});

/** What other requests name; never sent to a metered endpoint. */
test.each([
  [{ input_file_id: 'file-1', endpoint: '/v1/responses', completion_window: '24h' }, 'input_file_id', 'file-1'],
  [{ model: 'm', training_file: 'file-1' }, 'training_file', 'file-1'],
  [
    { requests: [{ custom_id: 'a', params: { container: 'container_1' } }] },
    'requests[0].params.container',
    'container_1',
  ],
  [{ data_source: { source: { type: 'file_id', id: 'file-1' } } }, 'data_source.source.id', 'file-1'],
  [{ items: [{ type: 'item_reference', id: 'msg_1' }] }, 'items[0].id', 'msg_1'],
  [{ video: { id: 'video_1' }, prompt: 'x' }, 'video.id', 'video_1'],
  [{ images: ['file-1'], prompt: 'x' }, 'images', 'file-1'],
  [
    { type: 'tool_use', input: [user({ type: 'input_file', file_id: 'file-1' })] },
    'input[0].content[0].file_id',
    'file-1',
  ],
])('a passed body names an id: %j', (body, param, id) => {
  expect(namedIds(body)).toEqual([{ id, param }]);
});

/** Bodies that name none, though they speak of ids. */
test.each([
  [
    'a text',
    { messages: [user({ type: 'text', text: 'file_id: file-1, {"previous_response_id":"resp_1"}' })], input: 'file-1' },
  ],
  ['a prompt template', { prompt: { id: 'pmpt_1', variables: { container: 'a blue box', conversation: 'file_1' } } }],
  [
    'a schema',
    { tools: [{ name: 'f', parameters: { properties: { file_id: { default: 'file-1' } }, file_id: 'file-1' } }] },
  ],
  ['a schema of Anthropic', { tools: [{ input_schema: { examples: [{ container: 'x' }] } }] }],
  ['metadata', { metadata: { conversation: 'conv_1', file_id: 'file-1' } }],
  [
    'what a model wrote for a tool',
    { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', input: { file_id: 'file-1' } }] }] },
  ],
  [
    'a call of a function, whole as it stands',
    { input: [{ type: 'function_call', id: 'fc_1', call_id: 'c', arguments: '{"file_id":"file-1"}' }] },
  ],
  ['a message, whole as it stands', { input: [{ type: 'message', id: 'msg_1', role: 'assistant', content: [] }] }],
  ['reasoning that carries its content', { input: [{ type: 'reasoning', id: 'rs_1', encrypted_content: 'x' }] }],
  ['an image that carries its pixels', { input: [{ type: 'image_generation_call', id: 'ig_1', result: 'x' }] }],
  ['a container to be made', { tools: [{ container: { type: 'auto' } }], conversation: null, container: '' }],
  ['an inline file', { messages: [user({ type: 'file', file: { filename: 'file-1', file_data: 'x' } })] }],
  ['a skill of the provider', { container: { skills: [{ type: 'anthropic', skill_id: 'pptx' }] } }],
  ['the name of a tool call', { messages: [{ role: 'tool', tool_call_id: 'call_1', content: 'x' }], id: 'x' }],
])('%s names no id', (_name, body) => {
  expect(namedIds(body)).toEqual([]);
});

describe('the test on bytes', () => {
  const bytes = (text: string): Buffer => Buffer.from(text);

  test('ordinary bodies of every endpoint are not read', () => {
    const chat =
      '{"model":"m","messages":[{"role":"user","content":"a docker container, a conversation; caf\\u00e9"}]}';
    expect(mayNameIds('chat', bytes(chat))).toBe(false);
    expect(mayNameIds('messages', bytes(chat))).toBe(false);
    expect(mayNameIds('responses', bytes('{"model":"m","input":"a \\"container\\" and an id"}'))).toBe(false);
    expect(mayNameIds('embeddings', bytes('{"input":"file_id"}'))).toBe(false);
  });

  test.each(NAMED)('escapes in member names do not hide an id: %s %j', (endpoint, body) => {
    const escape = (character: string): string => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`;
    const hidden = JSON.stringify(body).replaceAll(
      /"(\w+)":/g,
      (_match, name: string) => `"${name.replaceAll(/\w/g, escape)}":`,
    );
    expect(JSON.parse(hidden)).toEqual(body);
    expect(mayNameIds(endpoint, bytes(hidden))).toBe(true);
  });

  test('it never says no to a body in which an id is found', () => {
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('file-1', 'resp_1', 'x', null),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom('file_id', 'conversation', 'container', 'input', 'content', 'id', 'type', 'vector_store_ids'),
          tie('node'),
          { maxKeys: 4 },
        ),
      ),
    })).node;
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('input', 'tools', 'container', 'previous_response_id'), value),
        (body) => {
          if (namedIds(body).length > 0) expect(mayNameIds('responses', bytes(JSON.stringify(body)))).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('every id of a body is found, with its place', () => {
  const body = {
    previous_response_id: 'resp_1',
    tools: [{ vector_store_ids: ['vs_1', 'vs_2'] }],
    input: [user({ file_id: 'file-1' })],
  };
  expect(namedIds(body)).toEqual([
    { id: 'resp_1', param: 'previous_response_id' },
    { id: 'vs_1', param: 'tools[0].vector_store_ids' },
    { id: 'vs_2', param: 'tools[0].vector_store_ids' },
    { id: 'file-1', param: 'input[0].content[0].file_id' },
  ]);
});

test('what nests deeper than any request may is not walked', () => {
  const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}{"file_id":"file-1"}${']'.repeat(depth)}`);
  expect(namedIds(nested(63))).toHaveLength(1);
  expect(namedIds(nested(64))).toEqual([]);
  expect(namedIds(nested(100_000))).toEqual([]);
});

test('a body that names more ids than are looked up is refused', () => {
  const many = (count: number): object => ({ file_ids: Array.from({ length: count }, (_, index) => `file-${index}`) });
  const refused = expect.objectContaining({ code: 'invalid-request' });
  expect(namedIds(many(5000))).toHaveLength(5000);
  expect(() => namedIds(many(5001))).toThrow(refused);
  expect(() => namedIds({ input: Array.from({ length: 5001 }, () => ({ file_id: 'file-1' })) })).toThrow(refused);
});
