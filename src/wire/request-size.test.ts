import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RequestSize } from '../core/budget/call-bound.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { decodeRequest } from './decode-request.ts';
import { requestSize } from './request-size.ts';

const utf8 = new TextEncoder();

function sizeOfText(endpoint: Endpoint, text: string): RequestSize {
  const body = utf8.encode(text);
  return requestSize(decodeRequest(endpoint, body), body.byteLength);
}

function sizeOf(endpoint: Endpoint, fields: object): RequestSize {
  return sizeOfText(endpoint, JSON.stringify({ model: 'm', ...fields }));
}

const chat = (content: unknown, fields: object = {}): RequestSize =>
  sizeOf('chat', { messages: [{ role: 'user', content }], ...fields });
const messages = (content: unknown, fields: object = {}): RequestSize =>
  sizeOf('messages', { messages: [{ role: 'user', content }], max_tokens: 9, ...fields });
const responses = (input: unknown, fields: object = {}): RequestSize => sizeOf('responses', { input, ...fields });

function textTokens(size: RequestSize): number {
  expect(size.kind).toBe('bounded');
  return size.kind === 'bounded' ? size.textTokens : 0;
}

function imageTokens(size: RequestSize): number {
  return size.kind === 'bounded' ? size.imageTokens : Number.NaN;
}

function reasonOf(size: RequestSize): string | undefined {
  return size.kind === 'unbounded' ? size.reason : undefined;
}

describe('text', () => {
  test('counts by its bytes, however it is written and whatever normal form it is brought to', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc
        .constantFrom('\u{fdfa}', '\u{3316}', '\u{2057}', '\u{390}', 'é', '漢字', '👩‍👩‍👧', 'plain')
        .map((text) => text.repeat(200)),
    );
    fc.assert(
      fc.property(texts, fc.boolean(), (content, isEscaped) => {
        const plain = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] });
        const escape = (unit: string): string => String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0');
        const text = isEscaped ? plain.replaceAll(/[^\0-\x7f]/g, escape) : plain;
        const bound = textTokens(sizeOfText('chat', text));
        for (const form of ['NFC', 'NFKC'] as const) {
          expect(bound).toBeGreaterThanOrEqual(utf8.encode(content.normalize(form)).byteLength);
        }
        expect(bound).toBeGreaterThanOrEqual(utf8.encode(text).byteLength);
      }),
    );
  });

  test('every character counts at least as many bytes as its normal form has', () => {
    const least = textTokens(chat(''));
    const short: string[] = [];
    for (let unit = 0; unit < 0xd800; unit += 1) {
      const content = String.fromCharCode(unit).repeat(200);
      const bound = textTokens(chat(content)) - least;
      if (bound < utf8.encode(content.normalize('NFKC')).byteLength) short.push(unit.toString(16));
    }
    expect(short).toEqual([]);
  });

  test('each message, tool and demand for JSON adds what providers put around it', () => {
    const bare = textTokens(chat('hi'));
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(textTokens(chat('hi', { tools })) - bare).toBeGreaterThan(1_024);
    expect(textTokens(chat('hi', { response_format: { type: 'json_object' } })) - bare).toBeGreaterThan(256);
    const typed = [{ type: 'computer_20250124', name: 'computer' }];
    expect(textTokens(messages('hi', { tools: typed })) - textTokens(messages('hi'))).toBeGreaterThan(3_000);
  });

  test('tools in other scripts may be written out in ASCII', () => {
    const tools = (description: string): object => ({
      tools: [{ type: 'function', function: { name: 'f', description } }],
    });
    const grown = textTokens(chat('hi', tools('漢'.repeat(100)))) - textTokens(chat('hi', tools('')));
    expect(grown).toBeGreaterThanOrEqual(600);
  });
});

describe('images', () => {
  const data = 'A'.repeat(50_000);

  test('count as the most that one is billed as, and not by their bytes', () => {
    const url = `data:image/png;base64,${data}`;
    const sizes = [
      chat([{ type: 'image_url', image_url: { url } }]),
      responses([{ role: 'user', content: [{ type: 'input_image', image_url: url }] }]),
      responses([{ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_image', image_url: url }] }]),
      responses([
        { type: 'computer_call_output', call_id: 'c', output: { type: 'computer_screenshot', image_url: url } },
      ]),
    ];
    for (const size of sizes) {
      expect(imageTokens(size)).toBe(48_169);
      expect(textTokens(size)).toBeLessThan(1_000);
    }
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };
    const nested = messages([{ type: 'tool_result', tool_use_id: 't', content: [image, image] }]);
    expect(imageTokens(nested)).toBe(2 * 16_384);
    expect(textTokens(nested)).toBeLessThan(1_000);
  });

  test('count the same by address', () => {
    expect(imageTokens(chat([{ type: 'image_url', image_url: { url: 'https://a.test/b.png' } }]))).toBe(48_169);
    expect(imageTokens(messages([{ type: 'image', source: { type: 'url', url: 'https://a.test/b.png' } }]))).toBe(
      16_384,
    );
    expect(imageTokens(responses([{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }]))).toBe(
      48_169,
    );
  });

  test('what stands in the place of an image but is none has no bound', () => {
    const pdf = { type: 'image_url', image_url: { url: 'data:application/pdf;base64,AAAA' } };
    expect(reasonOf(chat([pdf]))).toBe('file');
    expect(reasonOf(chat([{ type: 'image_url' }]))).toBe('unknown-content');
  });
});

test.each<[string, RequestSize]>([
  ['file', chat([{ type: 'file', file: { file_id: 'file-1' } }])],
  ['file', responses([{ role: 'user', content: [{ type: 'input_file', file_url: 'https://a.test' }] }])],
  ['file', messages([{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } }])],
  ['file', messages([{ type: 'document', source: { type: 'text', data: 'a. b.' }, citations: { enabled: true } }])],
  ['audio', chat([{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }])],
  ['audio', sizeOf('chat', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] })],
  ['video', chat([{ type: 'video_url', video_url: { url: 'https://a.test' } }])],
  ['unknown-content', chat([{ image: 'AAAA' }])],
  ['unknown-content', messages([{ type: 'tool_result', content: [{ type: 'tool_reference', tool_name: 'f' }] }])],
  ['unknown-content', responses([{ type: 'file_search_call', id: 'fs_1' }])],
  ['stored-conversation', responses([{ type: 'item_reference', id: 'msg_1' }])],
  ['stored-conversation', responses([{ type: 'reasoning', id: 'rs_1', summary: [] }])],
  ['stored-conversation', responses('hi', { previous_response_id: 'resp_1' })],
  ['stored-conversation', responses('hi', { conversation: 'conv_1' })],
  ['stored-conversation', responses('hi', { background: true })],
  ['stored-prompt', responses('hi', { prompt: { id: 'pmpt_1', version: '2' } })],
  ['stored-prompt', chat('hi', { extra_body: { google: { cached_content: 'cachedContents/1' } } })],
  ['hosted-tools', responses('hi', { tools: [{ type: 'web_search' }] })],
  ['hosted-tools', messages('hi', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] })],
  ['hosted-tools', messages('hi', { mcp_servers: [{ type: 'url', url: 'https://a.test', name: 'a' }] })],
  ['hosted-tools', messages('hi', { container: { id: 'c' } })],
  ['hosted-tools', chat('hi', { web_search_options: {} })],
  ['hosted-tools', chat('hi', { plugins: [{ id: 'web' }] })],
  ['hosted-tools', chat('hi', { model: 'gpt-4o-search-preview' })],
  ['hosted-tools', chat('hi', { model: 'openai/gpt-4o:online' })],
  ['hosted-tools', responses('hi', { model: 'o3-deep-research' })],
  ['other-model', messages('hi', { fallbacks: [{ model: 'n' }] })],
  ['other-model', chat('hi', { models: ['n'] })],
  ['added-passes', chat('hi', { prediction: { type: 'content', content: 'hi' } })],
  ['added-passes', messages('hi', { context_management: { edits: [{ type: 'compact_20260112' }] } })],
  ['added-passes', responses('hi', { context_management: [{ type: 'compaction' }] })],
])('no bound because of %s (%#)', (reason, size) => {
  expect(reasonOf(size)).toBe(reason);
});

test.each<[string, RequestSize]>([
  [
    'a plain document',
    messages([{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'hi' } }]),
  ],
  ['encrypted reasoning', responses([{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'AAAA' }])],
  ['tools of the caller', chat('hi', { tools: [{ type: 'function', function: { name: 'f' } }], plugins: [] })],
  ['thinking', messages([{ type: 'thinking', thinking: 'hm', signature: 'AAAA' }])],
  [
    'clearing old tool results',
    messages('hi', { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }),
  ],
  ['a search without tools', chat('search for it', { model: 'research-model' })],
  ['no content', sizeOf('chat', { messages: [{ role: 'assistant', content: null, tool_calls: [] }] })],
])('%s has a bound', (_name, size) => {
  expect(size).toMatchObject({ kind: 'bounded', hasOutput: true });
});

describe('embeddings and token counts', () => {
  test('a text counts by its bytes, tokens by their number', () => {
    const size = (input: unknown): number => textTokens(sizeOf('embeddings', { input }));
    const token = 123_456_789;
    expect(size('hello')).toBeGreaterThan(32 + 5);
    expect(size(['a', 'b', 'c'])).toBeGreaterThan(3 * 32);
    expect(size(Array.from({ length: 1_000 }, () => token))).toBe(1_000 + 32);
    expect(size([[token, token], [token]])).toBe(3 + 2 * 32);
  });

  test('they write nothing, and counting tokens costs nothing', () => {
    expect(sizeOf('embeddings', { input: 'hello' })).toMatchObject({ kind: 'bounded', hasOutput: false });
    expect(sizeOf('count-tokens', { messages: [{ role: 'user', content: 'hi' }] })).toEqual({
      kind: 'bounded',
      textTokens: 0,
      imageTokens: 0,
      hasOutput: false,
    });
  });
});
