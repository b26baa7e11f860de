import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oddRequest } from '../../../test/support/odd-requests.ts';
import type { PromptBlock, PromptMessage } from '../../core/model/prompt.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import { decodeRequest } from '../decode-request.ts';
import { valueAt } from './format-path.ts';
import { promptOf } from './prompt-of.ts';
import type { RequestPrompt } from './request-prompt.ts';

const utf8 = new TextEncoder();
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==';

function read(endpoint: Endpoint, body: string | Readonly<Record<string, unknown>>): RequestPrompt {
  const text = typeof body === 'string' ? body : JSON.stringify({ model: 'm', max_tokens: 9, ...body });
  const prompt = promptOf(decodeRequest(endpoint, utf8.encode(text)));
  if (prompt === undefined) throw new Error('no prompt');
  return prompt;
}

function chatBlocks(message: Readonly<Record<string, unknown>>): readonly PromptBlock[] {
  return read('chat', { messages: [message] }).prompt.messages[0]?.blocks ?? [];
}

function anthropicBlocks(...content: readonly unknown[]): readonly PromptBlock[] {
  return read('messages', { messages: [{ role: 'user', content }] }).prompt.messages[0]?.blocks ?? [];
}

function items(...input: readonly unknown[]): readonly PromptMessage[] {
  return read('responses', { input }).prompt.messages;
}

const text = (words: string): PromptBlock => ({ kind: 'text', text: words });
const image = (detail?: 'low'): PromptBlock => ({
  kind: 'image',
  data: pixel,
  mediaType: 'image/png',
  width: 1,
  height: 1,
  detail,
});

test('embeddings have no prompt', () => {
  expect(promptOf(decodeRequest('embeddings', utf8.encode('{"model":"m","input":"x"}')))).toBeUndefined();
});

describe('chat', () => {
  test('roles and names', () => {
    const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
    const { messages } = read('chat', { messages: roles.map((role) => ({ role, content: 'x', name: 'n' })) }).prompt;
    expect(messages.map(({ role }) => role)).toEqual(['system', 'system', 'user', 'assistant', 'tool', 'tool']);
    expect(messages.map(({ name }) => name)).toEqual(['n', 'n', 'n', 'n', 'n', undefined]);
  });

  test('content is a string, parts, or nothing', () => {
    expect(chatBlocks({ role: 'user', content: 'a' })).toEqual([text('a')]);
    expect(chatBlocks({ role: 'assistant', content: null })).toEqual([]);
    const parts = [
      { type: 'text', text: 'a' },
      'b',
      { type: 'refusal', refusal: 'c' },
      { type: 'image_url', image_url: { url: `data:image/PNG;base64,${pixel}`, detail: 'low' } },
      { type: 'image_url', image_url: 'https://example.com/a.png' },
      { type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } },
      { type: 'image_url', image_url: { url: 'data:application/pdf;base64,AA' } },
      { type: 'text', text: 7 },
    ];
    expect(chatBlocks({ role: 'user', content: parts })).toEqual([
      text('a'),
      text('b'),
      text('c'),
      image('low'),
      { kind: 'image', data: undefined, mediaType: undefined, width: undefined, height: undefined, detail: undefined },
      { kind: 'opaque', type: 'input_audio', sizeBytes: 65 },
      { kind: 'opaque', type: 'image_url', sizeBytes: 73 },
      { kind: 'opaque', type: 'text', sizeBytes: 24 },
    ]);
  });

  test('what an assistant said, refused, thought and called', () => {
    const message = {
      role: 'assistant',
      reasoning_content: 'hm',
      content: 'a',
      refusal: 'no',
      audio: { id: 'x' },
      tool_calls: [
        { id: '1', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } },
        { id: '2', type: 'custom', custom: { name: 'g', input: 'free' } },
        { id: '3', type: 'unheard_of' },
      ],
      function_call: { name: 'h', arguments: '{}' },
    };
    expect(chatBlocks(message)).toEqual([
      { kind: 'reasoning', text: 'hm' },
      text('a'),
      text('no'),
      { kind: 'opaque', type: 'audio', sizeBytes: 10 },
      { kind: 'tool-call', callId: '1', name: 'f', argumentsText: '{"a": 1}' },
      { kind: 'tool-call', callId: '2', name: 'g', argumentsText: 'free' },
      { kind: 'opaque', type: 'tool_call', sizeBytes: 30 },
      { kind: 'tool-call', callId: 'h', name: 'h', argumentsText: '{}' },
    ]);
  });

  test('a result is one block with its texts, then the pictures in it', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
      { type: 'text', text: 'b' },
    ];
    const { prompt, messages } = read('chat', { messages: [{ role: 'tool', tool_call_id: '1', content }] });
    expect(prompt.messages[0]?.blocks).toEqual([{ kind: 'tool-result', callId: '1', text: 'a\nb' }, image()]);
    expect(messages[0]?.blocks).toEqual([
      {
        path: ['messages', 0],
        textPaths: [
          ['messages', 0, 'content', 0, 'text'],
          ['messages', 0, 'content', 2, 'text'],
        ],
      },
      { path: ['messages', 0, 'content', 1], textPaths: [['messages', 0, 'content', 1, 'image_url', 'url']] },
    ]);
    expect(chatBlocks({ role: 'function', name: 'f', content: 'r' })).toEqual([
      { kind: 'tool-result', callId: 'f', text: 'r' },
    ]);
  });

  test('a role that is not known makes the message opaque', () => {
    const { prompt, messages } = read('chat', { messages: [{ role: 'critic', content: 'é' }] });
    expect(prompt.messages[0]?.blocks).toEqual([{ kind: 'opaque', type: 'message', sizeBytes: 32 }]);
    expect(messages[0]?.path).toEqual(['messages', 0]);
  });

  test('tools and functions, minified as they were written and without cache marks', () => {
    const tool = String.raw`{ "type":"function", "function" :{"name":"f","parameters":{"maximum": 1.0, "big":12345678901234567890, "cache_control":1}} , "cache_control": {"type":"ephemeral"} }`;
    const { prompt, tools } = read(
      'chat',
      `{"model":"m","messages":[{"role":"user"}],"tools":[${tool},{"type":"custom","custom":{"name":"c","description":"d"}},{"type":"web_search"}],"functions":[{"name":"old"}]}`,
    );
    expect(prompt.tools.map(({ kind, name, description }) => [kind, name, description])).toEqual([
      ['function', 'f', ''],
      ['custom', 'c', 'd'],
      ['hosted', 'web_search', ''],
      ['function', 'old', ''],
    ]);
    expect(prompt.tools[0]?.text).toBe(
      '{"type":"function","function":{"name":"f","parameters":{"maximum":1.0,"big":12345678901234567890,"cache_control":1}}}',
    );
    expect(prompt.tools[0]?.parameters).toMatchObject({ maximum: 1 });
    expect(tools).toEqual([
      ['tools', 0],
      ['tools', 1],
      ['tools', 2],
      ['functions', 0],
    ]);
  });

  test.each([
    [{}, false],
    [{ tool_choice: 'auto' }, false],
    [{ tool_choice: 'none' }, false],
    [{ tool_choice: 'required' }, true],
    [{ tool_choice: { type: 'function', function: { name: 'f' } } }, true],
    [{ tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } }, false],
    [{ tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [] } } }, true],
    [{ function_call: 'auto' }, false],
    [{ function_call: { name: 'f' } }, true],
  ])('whether a tool must be called: %j', (choice, mustCallTool) => {
    expect(read('chat', { messages: [{ role: 'user' }], ...choice }).prompt.mustCallTool).toBe(mustCallTool);
  });

  test('the format of the answer is its schema, else what was said of it', () => {
    const format = (value: string): string | undefined =>
      read('chat', `{"model":"m","messages":[{"role":"user"}],"response_format":${value}}`).prompt.formatText;
    expect(format('{"type":"json_schema","json_schema":{"name":"n","schema":{ "maximum": 1.0 }}}')).toBe(
      '{"maximum":1.0}',
    );
    expect(format('{ "type": "json_object" }')).toBe('{"type":"json_object"}');
    expect(format('{"type":"text"}')).toBeUndefined();
    expect(format('null')).toBeUndefined();
  });
});

describe('messages', () => {
  test('the system prompt is a string or blocks, and stands first', () => {
    const messages = [{ role: 'user', content: 'u' }];
    expect(read('messages', { system: 's', messages }).messages[0]).toEqual({
      path: ['system'],
      blocks: [{ path: ['system'], textPaths: [['system']] }],
    });
    const blocks = read('count-tokens', { system: [{ type: 'text', text: 's' }], messages });
    expect(blocks.prompt.messages).toEqual([
      { role: 'system', name: undefined, blocks: [text('s')] },
      { role: 'user', name: undefined, blocks: [text('u')] },
    ]);
    expect(blocks.messages[0]?.blocks[0]).toEqual({ path: ['system', 0], textPaths: [['system', 0, 'text']] });
  });

  test('the input of a call is its own text, minified', () => {
    const written = '{ "a" : 1.0, "b": [ 12345678901234567890 ], "cache_control" : 1 }';
    const { prompt } = read(
      'messages',
      `{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":${written}}]}]}`,
    );
    expect(prompt.messages[0]?.blocks).toEqual([
      {
        kind: 'tool-call',
        callId: '1',
        name: 'f',
        argumentsText: '{"a":1.0,"b":[12345678901234567890],"cache_control":1}',
      },
    ]);
  });

  test('results, thinking, documents and images', () => {
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } };
    expect(
      anthropicBlocks(
        { type: 'tool_result', tool_use_id: '1', content: 'r' },
        { type: 'tool_result', tool_use_id: '2', content: [{ type: 'text', text: 'r' }, picture] },
        { type: 'tool_result', tool_use_id: '3' },
        { type: 'thinking', thinking: 't', signature: 's' },
        { type: 'redacted_thinking', data: 'd' },
        { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
        picture,
        { type: 'image', source: { type: 'url', url: 'https://example.com' } },
      ),
    ).toEqual([
      { kind: 'tool-result', callId: '1', text: 'r' },
      { kind: 'tool-result', callId: '2', text: 'r' },
      image(),
      { kind: 'tool-result', callId: '3', text: '' },
      { kind: 'reasoning', text: 't' },
      { kind: 'reasoning', text: 'd' },
      text('T'),
      text('x'),
      image(),
      { kind: 'image', data: undefined, mediaType: undefined, width: undefined, height: undefined, detail: undefined },
    ]);
  });

  test('what is cited or cites, and what is not known, is opaque', () => {
    const source = { type: 'text', media_type: 'text/plain', data: 'x' };
    const blocks = anthropicBlocks(
      { type: 'document', source, citations: { enabled: true } },
      { type: 'document', source: { type: 'base64', data: 'x' } },
      { type: 'text', text: 'x', citations: [{}] },
      { type: 'server_tool_use' },
      { type: 'text' },
      3,
    );
    expect(blocks.map((block) => block.kind === 'opaque' && block.type)).toEqual([
      'document',
      'document',
      'text',
      'server_tool_use',
      'text',
      'block',
    ]);
  });

  test('tools: the caller’s own and those of the provider', () => {
    const tools = [
      { name: 'f', description: 'd', input_schema: { type: 'object' } },
      { type: 'custom', name: 'g', input_schema: {} },
      { type: 'bash_20250124', name: 'bash' },
    ];
    const { prompt } = read('messages', { messages: [{ role: 'user', content: 'u' }], tools });
    expect(prompt.tools.map(({ kind, name, parameters }) => [kind, name, parameters])).toEqual([
      ['function', 'f', { type: 'object' }],
      ['function', 'g', {}],
      ['hosted', 'bash', undefined],
    ]);
  });

  test.each([
    [{ type: 'auto' }, false],
    [{ type: 'none' }, false],
    [{ type: 'any' }, true],
    [{ type: 'tool', name: 'f' }, true],
  ])('whether a tool must be called: %j', (choice, mustCallTool) => {
    const messages = [{ role: 'user', content: 'u' }];
    expect(read('messages', { messages, tool_choice: choice }).prompt.mustCallTool).toBe(mustCallTool);
  });
});

describe('responses', () => {
  test('instructions stand first, and an input that is a string is what the user says', () => {
    const { prompt, messages } = read('responses', { instructions: 'i', input: 'u' });
    expect(prompt.messages).toEqual([
      { role: 'system', name: undefined, blocks: [text('i')] },
      { role: 'user', name: undefined, blocks: [text('u')] },
    ]);
    expect(messages.map(({ path }) => path)).toEqual([['instructions'], ['input']]);
  });

  test('each item is a message', () => {
    const messages = items(
      { role: 'developer', content: 'd' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'u' }, { type: 'input_file' }] },
      { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'secret' },
      {
        type: 'reasoning',
        summary: [
          { type: 'summary_text', text: 'a' },
          { type: 'summary_text', text: 'b' },
        ],
      },
      { type: 'function_call', call_id: '1', name: 'f', arguments: '{ }' },
      { type: 'function_call_output', call_id: '1', output: 'r' },
      { type: 'custom_tool_call', call_id: '2', name: 'g', input: 'free' },
      { type: 'custom_tool_call_output', call_id: '2', output: [{ type: 'input_text', text: 'r' }] },
      { type: 'local_shell_call', id: '3', action: { command: ['ls'] } },
      {
        type: 'computer_call_output',
        call_id: '4',
        output: { type: 'computer_screenshot', image_url: `data:image/png;base64,${pixel}` },
      },
    );
    expect(messages.map(({ role, blocks }) => [role, blocks])).toEqual([
      ['system', [text('d')]],
      ['user', [text('u'), { kind: 'opaque', type: 'input_file', sizeBytes: 21 }]],
      ['assistant', [{ kind: 'reasoning', text: 'secret' }]],
      ['assistant', [{ kind: 'reasoning', text: 'a\nb' }]],
      ['assistant', [{ kind: 'tool-call', callId: '1', name: 'f', argumentsText: '{ }' }]],
      ['tool', [{ kind: 'tool-result', callId: '1', text: 'r' }]],
      ['assistant', [{ kind: 'tool-call', callId: '2', name: 'g', argumentsText: 'free' }]],
      ['tool', [{ kind: 'tool-result', callId: '2', text: 'r' }]],
      ['assistant', [{ kind: 'tool-call', callId: '3', name: 'local_shell', argumentsText: '{"command":["ls"]}' }]],
      ['tool', [{ kind: 'tool-result', callId: '4', text: '' }, image()]],
    ]);
  });

  test('what the provider keeps is opaque: items by id, stored prompts and conversations', () => {
    expect(items({ type: 'item_reference', id: 'x' }, { type: 'reasoning', id: 'x', summary: [] })).toMatchObject([
      { role: 'assistant', blocks: [{ kind: 'opaque', type: 'item_reference' }] },
      { role: 'assistant', blocks: [{ kind: 'opaque', type: 'reasoning' }] },
    ]);
    const { prompt } = read('responses', { previous_response_id: 'r', prompt: { id: 'p' }, input: 'u' });
    expect(prompt.messages.map(({ blocks }) => blocks[0])).toMatchObject([
      { kind: 'opaque', type: 'prompt' },
      { kind: 'opaque', type: 'previous_response_id' },
      { kind: 'text' },
    ]);
  });
});

test('every block and text of any request stands where it is said to stand', () => {
  fc.assert(
    fc.property(oddRequest(), ({ endpoint, text: written }) => {
      const request = decodeRequest(endpoint, utf8.encode(written));
      const { prompt, tools, messages } = read(endpoint, written);
      expect([tools.length, messages.length]).toEqual([prompt.tools.length, prompt.messages.length]);
      for (const [index, path] of tools.entries()) {
        expect(prompt.tools[index]?.name).toBeTypeOf('string');
        expect(valueAt(request.body, path)).toBeTypeOf('object');
      }
      for (const [index, { path, blocks }] of messages.entries()) {
        expect(valueAt(request.body, path)).toBeDefined();
        expect(blocks.length).toBe(prompt.messages[index]?.blocks.length);
        for (const [inner, place] of blocks.entries()) {
          expect(valueAt(request.body, place.path)).toBeDefined();
          const block = prompt.messages[index]?.blocks[inner];
          const found = place.textPaths.map((textPath) => valueAt(request.body, textPath)).join('\n');
          if (block !== undefined && 'text' in block) expect(found).toBe(block.text);
          if (block?.kind === 'image' && block.data !== undefined) expect(found.endsWith(block.data)).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
});
