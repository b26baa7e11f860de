import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oddRequest } from '../../../test/support/odd-requests.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import { callerMarks } from './caller-marks.ts';
import { conversationText } from './conversation-text.ts';
import { decodeRequest } from '../decode-request.ts';
import type { DecodedRequest } from '../decoded-request.ts';
import { editRequest } from './edit-request.ts';
import { type PrefixBlock, prefixBlocks } from './prefix-blocks.ts';
import { breakpointEdit } from './prompt-edits.ts';
import { promptOf } from './prompt-of.ts';
import type { RequestPrompt } from './request-prompt.ts';

type Body = Readonly<Record<string, unknown>>;

const utf8 = new TextEncoder();

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function decoded(endpoint: Endpoint, body: Body): DecodedRequest {
  return decodeRequest(endpoint, utf8.encode(JSON.stringify({ model: 'm', max_tokens: 9, ...body })));
}

function read(request: DecodedRequest): RequestPrompt {
  const prompt = promptOf(request);
  if (prompt === undefined) throw new Error('no prompt');
  return prompt;
}

function chain(endpoint: Endpoint, body: Body): readonly PrefixBlock[] {
  const request = decoded(endpoint, body);
  return prefixBlocks(request, read(request), sha256);
}

function keys(blocks: readonly PrefixBlock[]): readonly string[] {
  return blocks.map(({ key }) => key);
}

function conversation(endpoint: Endpoint, body: Body): string {
  const request = decoded(endpoint, body);
  return conversationText(request, read(request));
}

/** How many keys of two chains are the same, from the first on. */
function shared(left: readonly PrefixBlock[], right: readonly PrefixBlock[]): number {
  const at = left.findIndex(({ key }, index) => key !== right[index]?.key);
  return at === -1 ? left.length : at;
}

const user = (content: unknown): Body => ({ role: 'user', content });
const claude: Body = {
  tools: [
    { name: 'a', input_schema: {} },
    { name: 'b', input_schema: {} },
  ],
  system: [{ type: 'text', text: 's' }],
  messages: [user('u'), { role: 'assistant', content: [{ type: 'text', text: 'v' }] }],
};

test('the chain runs from tools over system to messages, whatever their order in the body', () => {
  const { messages, system, tools } = claude;
  const blocks = chain('messages', { messages, system, tools });
  expect(blocks.map(({ level, path, source }) => [level, path, source])).toEqual([
    ['tools', ['tools', 0], { kind: 'tool', tool: 0 }],
    ['tools', ['tools', 1], { kind: 'tool', tool: 1 }],
    ['system', ['system', 0], { kind: 'blocks', message: 0, blocks: [0] }],
    ['messages', ['messages', 0, 'content'], { kind: 'blocks', message: 1, blocks: [0] }],
    ['messages', ['messages', 1, 'content', 0], { kind: 'blocks', message: 2, blocks: [0] }],
  ]);
  expect(keys(blocks)).toEqual(keys(chain('messages', claude)));
  expect(new Set(keys(blocks)).size).toBe(5);
});

test('a result and the pictures in it are one block of the chain', () => {
  const picture = { type: 'image', source: { type: 'url', url: 'https://example.com' } };
  const result = { type: 'tool_result', tool_use_id: '1', content: [picture, { type: 'text', text: 'x' }] };
  const [block, ...others] = chain('messages', { messages: [user([result])] });
  expect(block?.source).toEqual({ kind: 'blocks', message: 0, blocks: [0, 1] });
  expect(others).toEqual([]);
});

test('sizes are bytes as they were written', () => {
  const sizes = chain('chat', { messages: [{ role: 'system', content: 'a' }, user('é😀')] });
  expect(sizes.map(({ sizeBytes }) => sizeBytes)).toEqual([
    '"role":"system"\n"a"'.length,
    '"role":"user"\n""'.length + 6,
  ]);
});

test('tools that are found by search are in no prefix', () => {
  const tools = [{ name: 'a', input_schema: {}, defer_loading: true }, ...((claude['tools'] as unknown[]) ?? [])];
  expect(keys(chain('messages', { ...claude, tools }))).toEqual(keys(chain('messages', claude)));
});

test('counting tokens looks at the same prefix', () => {
  expect(keys(chain('count-tokens', claude))).toEqual(keys(chain('messages', claude)));
});

test('a plain text is the same as a string and as the only part', () => {
  const asPart = {
    ...claude,
    system: 's',
    messages: [user([{ text: 'u', type: 'text' }]), { role: 'assistant', content: 'v' }],
  };
  expect(keys(chain('messages', asPart))).toEqual(keys(chain('messages', claude)));
  const one = chain('messages', { messages: [user('ab')] });
  expect(shared(one, chain('messages', { messages: [user([{ type: 'x', text: 'ab' }])] }))).toBe(0);
  expect(shared(one, chain('messages', { messages: [{ role: 'assistant', content: 'ab' }] }))).toBe(0);
});

describe('what a change leaves of the prefix', () => {
  const document = { type: 'document', source: { type: 'text', data: 'x' }, citations: { enabled: true } };
  const picture = { type: 'image', source: { type: 'url', url: 'https://example.com' } };
  const more = (content: unknown): Body => ({
    ...claude,
    messages: [...((claude['messages'] as unknown[]) ?? []), user(content)],
  });

  test.each<[string, Body, number]>([
    ['another turn', more('w'), 5],
    ['another model', { ...claude, model: 'other' }, 5],
    ['sampling', { ...claude, temperature: 0, stop_sequences: ['x'], metadata: {} }, 5],
    ['tool choice', { ...claude, tool_choice: { type: 'any' } }, 3],
    ['thinking', { ...claude, thinking: { type: 'enabled', budget_tokens: 1024 } }, 3],
    ['effort', { ...claude, output_config: { effort: 'low' } }, 3],
    ['a first picture', more([picture]), 3],
    ['speed', { ...claude, speed: 'fast' }, 2],
    ['a first document with citations', more([document]), 2],
    ['the format of the answer', { ...claude, output_config: { format: { type: 'json_schema', schema: {} } } }, 2],
    ['the system prompt', { ...claude, system: 't' }, 2],
    ['servers of tools', { ...claude, mcp_servers: [{ name: 'x', url: 'https://example.com' }] }, 0],
    ['a tool', { ...claude, tools: [{ name: 'b', input_schema: {} }] }, 0],
  ])('Anthropic: %s', (_name, changed, left) => {
    expect(shared(chain('messages', claude), chain('messages', changed))).toBe(left);
  });

  const chat: Body = {
    tools: [{ type: 'function', function: { name: 'a' } }],
    messages: [{ role: 'system', content: 's' }, user('u')],
  };

  test.each<[string, Body, number]>([
    ['tool choice', { ...chat, tool_choice: 'required' }, 3],
    ['cache keys', { ...chat, prompt_cache_key: 'k', prompt_cache_options: { mode: 'explicit' } }, 3],
    ['the user', { ...chat, messages: [{ role: 'system', content: 's' }, user('w')] }, 2],
    ['the system prompt', { ...chat, messages: [{ role: 'system', content: 't' }, user('u')] }, 1],
    ['the name of a speaker', { ...chat, messages: [{ role: 'system', content: 's', name: 'n' }, user('u')] }, 1],
    ['effort', { ...chat, reasoning_effort: 'low' }, 0],
    ['a schema', { ...chat, response_format: { type: 'json_schema', json_schema: { schema: {} } } }, 0],
  ])('OpenAI: %s', (_name, changed, left) => {
    expect(shared(chain('chat', chat), chain('chat', changed))).toBe(left);
  });
});

describe('where a breakpoint can stand', () => {
  const marks = (endpoint: Endpoint, body: Body): unknown =>
    chain(endpoint, body).map(({ markPath }) => markPath?.join('.'));

  test('Anthropic: on tools and on blocks that are neither empty nor thinking', () => {
    const content = [
      { type: 'text', text: '' },
      { type: 'thinking', thinking: 't' },
      { type: 'tool_use', id: '1', name: 'f', input: {} },
      { type: 'unheard_of' },
    ];
    const body = { tools: claude['tools'], system: 's', messages: [user('u'), user(''), user(content)] };
    expect(marks('messages', body)).toEqual([
      'tools.0',
      'tools.1',
      'system',
      'messages.0.content',
      undefined,
      undefined,
      undefined,
      'messages.2.content.2',
      undefined,
    ]);
  });

  test('chat: on content, not on tools and calls', () => {
    const call = { id: '1', type: 'function', function: { name: 'f', arguments: '{}' } };
    const messages = [
      user('u'),
      { role: 'assistant', content: 'a', tool_calls: [call] },
      { role: 'tool', tool_call_id: '1', content: 'r' },
      {
        role: 'tool',
        tool_call_id: '1',
        content: [
          { type: 'text', text: 'r' },
          { type: 'text', text: 's' },
        ],
      },
      user([
        { type: 'image_url', image_url: 'https://example.com' },
        { type: 'refusal', refusal: 'r' },
      ]),
      { role: 'function', name: 'f', content: 'r' },
    ];
    expect(marks('chat', { tools: [{ type: 'function', function: { name: 'f' } }], messages })).toEqual([
      undefined,
      'messages.0.content',
      'messages.1.content',
      undefined,
      'messages.2.content',
      'messages.3.content.1',
      'messages.4.content.0',
      undefined,
      undefined,
    ]);
  });

  test('Responses: on what is put in, not on instructions and what the model said', () => {
    const input = [
      user('u'),
      { role: 'assistant', content: [{ type: 'output_text', text: 'a' }] },
      { type: 'function_call', call_id: '1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: '1', output: 'r' },
      { type: 'reasoning', summary: [] },
    ];
    expect(marks('responses', { instructions: 'i', input })).toEqual([
      undefined,
      'input.0.content',
      undefined,
      undefined,
      'input.3.output',
      undefined,
    ]);
    expect(marks('responses', { input: 'u' })).toEqual(['input']);
  });
});

test('marks of any request can be set wherever they may stand, are counted, and change neither prefix nor conversation', () => {
  fc.assert(
    fc.property(oddRequest(), ({ endpoint, text }) => {
      const request = decodeRequest(endpoint, utf8.encode(text));
      const before = prefixBlocks(request, read(request), sha256);
      const places = before.flatMap(({ markPath }) => (markPath === undefined ? [] : [markPath]));
      const marked = editRequest(
        request,
        places.map((path) => breakpointEdit(endpoint, path, '1h')),
      );
      const after = prefixBlocks(marked, read(marked), sha256);
      expect(keys(after)).toEqual(keys(before));
      expect(conversationText(marked, read(marked))).toBe(conversationText(request, read(request)));
      expect(callerMarks(marked).breakpoints).toBeGreaterThanOrEqual(places.length);
      if (places.length === 0) expect(marked).toBe(request);
      expect(new Set(keys(before)).size).toBe(before.length);
    }),
    { numRuns: 300 },
  );
});

describe('a conversation', () => {
  const turns = [user('u'), { role: 'assistant', content: 'v' }, user('w')];

  test('keeps its text while it goes on, with whatever settings', () => {
    const first = conversation('messages', { ...claude, messages: turns.slice(0, 1) });
    const picture = user([{ type: 'image', source: { type: 'url', url: 'https://example.com' } }]);
    const later = { ...claude, messages: [...turns, picture], tool_choice: { type: 'any' }, speed: 'fast' };
    expect(conversation('messages', later)).toBe(first);
  });

  test.each<[string, Body]>([
    ['tools', { tools: [] }],
    ['system prompt', { system: 't' }],
    ['first message of the user', { messages: [user('x'), ...turns.slice(1)] }],
  ])('has a text of its own by its %s', (_name, changed) => {
    const body = { ...claude, messages: turns };
    expect(conversation('messages', { ...body, ...changed })).not.toBe(conversation('messages', body));
  });

  test('that the provider keeps has a text of its own by its id', () => {
    const by = (id: string): string => conversation('responses', { conversation: id, input: 'u' });
    expect(by('a')).not.toBe(by('b'));
  });
});

describe('the caller’s own marks', () => {
  const control = { cache_control: { type: 'ephemeral' } };
  const marks = (endpoint: Endpoint, body: Body): unknown => callerMarks(decoded(endpoint, body));
  const none = { breakpoints: 0, automatic: false, cacheKey: undefined, options: false, retention: false };

  test('none, also where they are null or stand in data', () => {
    const input = { cache_control: {} };
    const messages = [user([{ type: 'tool_use', input, cache_control: null }])];
    expect(marks('messages', { messages, cache_control: null, tools: [{ name: 'f', input_schema: control }] })).toEqual(
      none,
    );
  });

  test('Anthropic: on tools, system, blocks, what results hold, and the whole request', () => {
    const result = { type: 'tool_result', tool_use_id: '1', content: [{ type: 'text', text: 'x', ...control }] };
    const messages = [user([{ type: 'text', text: 'x', ...control }, result])];
    const system = [{ type: 'text', text: 's', ...control }];
    const body = { tools: [{ name: 'f', ...control }], system, messages, ...control };
    expect(marks('messages', body)).toEqual({ ...none, breakpoints: 4, automatic: true });
  });

  test('OpenAI: on parts and outputs, with key, options and retention', () => {
    const part = { type: 'input_text', text: 'x', prompt_cache_breakpoint: { mode: 'explicit' } };
    const input = [user([part]), { type: 'function_call_output', call_id: '1', output: [part] }];
    const fields = { prompt_cache_key: 'k', prompt_cache_options: {}, prompt_cache_retention: '24h' };
    expect(marks('responses', { input, ...fields })).toEqual({
      breakpoints: 2,
      automatic: false,
      cacheKey: 'k',
      options: true,
      retention: true,
    });
  });
});
