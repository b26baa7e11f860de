import type { CacheControlEphemeral } from '@anthropic-ai/sdk/resources/messages';
import type { ChatCompletionContentPartText } from 'openai/resources/chat/completions';
import type { ResponseInputText } from 'openai/resources/responses/responses';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { decodeRequest } from '../src/wire/decode-request.ts';
import type { DecodedRequest } from '../src/wire/decoded-request.ts';
import { editRequest } from '../src/wire/prompt/edit-request.ts';
import { valueAt } from '../src/wire/prompt/format-path.ts';
import { type PrefixBlock, prefixBlocks } from '../src/wire/prompt/prefix-blocks.ts';
import {
  blockTextEdits,
  breakpointEdit,
  type CACHE_BREAKPOINT,
  type CACHE_CONTROLS,
  imageEdits,
} from '../src/wire/prompt/prompt-edits.ts';
import { promptOf } from '../src/wire/prompt/prompt-of.ts';
import type { RequestEdit } from '../src/wire/prompt/request-edit.ts';
import type { RequestPrompt } from '../src/wire/prompt/request-prompt.ts';
import { hasData } from './support/shared-data.ts';
import { type SimulatedClients, startSimulatedClients } from './support/simulated-clients.ts';
import { wireRecordings } from './support/wire-recordings.ts';

const utf8 = new TextEncoder();

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function read(request: DecodedRequest): RequestPrompt {
  const prompt = promptOf(request);
  if (prompt === undefined) throw new Error('no prompt');
  return prompt;
}

function chain(request: DecodedRequest): readonly PrefixBlock[] {
  return prefixBlocks(request, read(request), sha256);
}

function markAll(request: DecodedRequest, ttl?: '5m' | '1h'): DecodedRequest {
  const edits = chain(request).flatMap(({ markPath }) =>
    markPath === undefined ? [] : [breakpointEdit(request.endpoint, markPath, ttl)],
  );
  return editRequest(request, edits);
}

describe.skipIf(!hasData('wire'))('recorded requests in ../shared/data/wire', () => {
  const requests = wireRecordings()
    .filter(({ endpoint, request }) => endpoint !== 'embeddings' && typeof request === 'object' && request !== null)
    .map(({ name, endpoint, request }) => ({
      name,
      request: decodeRequest(endpoint, utf8.encode(JSON.stringify(request, null, 1))),
    }));

  test('most recordings have one', () => {
    expect(requests.length).toBeGreaterThan(250);
  });

  const blocks = requests.flatMap(({ name, request }) => {
    const { prompt, messages } = read(request);
    return prompt.messages.flatMap((message, index) =>
      message.blocks.map((block, inner) => {
        const place = messages[index]?.blocks[inner];
        if (place === undefined) throw new Error('no place');
        return { name, request, prompt, message, index, block, inner, place };
      }),
    );
  });

  test('every block’s text is what stands at its places', () => {
    for (const { name, request, block, place } of blocks) {
      const texts = place.textPaths.map((path) => valueAt(request.body, path));
      if ('text' in block) expect(texts.join('\n'), name).toBe(block.text);
      if (block.kind === 'image' && block.data !== undefined) expect(texts[0], name).toContain(block.data);
    }
  });

  test('every text can be replaced, and nothing else changes', () => {
    let count = 0;
    for (const { name, request, prompt, message, index, block, inner, place } of blocks) {
      if ((block.kind !== 'text' && block.kind !== 'tool-result') || place.textPaths.length !== 1) continue;
      const { prompt: changed } = read(editRequest(request, blockTextEdits(place, 'new “text”')));
      const other = { ...message, blocks: message.blocks.with(inner, { ...block, text: 'new “text”' }) };
      expect(changed, name).toEqual({ ...prompt, messages: prompt.messages.with(index, other) });
      count += 1;
    }
    expect(count).toBeGreaterThan(300);
  });

  test('every breakpoint that can be set leaves prompt and prefix as they are', () => {
    for (const { name, request } of requests) {
      const marked = markAll(request);
      expect(read(marked).prompt, name).toEqual(read(request).prompt);
      expect(
        chain(marked).map(({ key }) => key),
        name,
      ).toEqual(chain(request).map(({ key }) => key));
    }
  });
});

test('another picture and another text of several parts', () => {
  const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
  const texts = ['a', 'b'].map((text) => ({ type: 'text', text }));
  const content = [{ type: 'tool_result', tool_use_id: '1', content: [texts[0], picture, texts[1]] }];
  const body = { model: 'm', max_tokens: 1, messages: [{ role: 'user', content }] };
  const request = decodeRequest('messages', utf8.encode(JSON.stringify(body)));
  const [result, image] = read(request).messages[0]?.blocks ?? [];
  if (result === undefined || image === undefined) throw new Error('no blocks');
  const edits: readonly RequestEdit[] = [...blockTextEdits(result, 'c'), ...imageEdits(image, 'BBBB', 'image/webp')];
  expect(read(editRequest(request, edits)).prompt.messages[0]?.blocks).toMatchObject([
    { kind: 'tool-result', text: 'c' },
    { kind: 'image', data: 'BBBB', mediaType: 'image/webp' },
  ]);
  const url = { url: 'data:image/png;base64,AAAA' };
  const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: url }] }];
  const chat = decodeRequest('chat', utf8.encode(JSON.stringify({ model: 'm', messages })));
  const [place] = read(chat).messages[0]?.blocks ?? [];
  if (place === undefined) throw new Error('no block');
  expect(read(editRequest(chat, imageEdits(place, 'BBBB', 'image/webp'))).prompt.messages[0]?.blocks[0]).toMatchObject({
    data: 'BBBB',
    mediaType: 'image/webp',
  });
});

test('marks are what the official clients take', () => {
  expectTypeOf<(typeof CACHE_CONTROLS)['1h' | '5m']>().toExtend<CacheControlEphemeral>();
  expectTypeOf<typeof CACHE_BREAKPOINT>().toExtend<
    NonNullable<ChatCompletionContentPartText['prompt_cache_breakpoint'] & ResponseInputText['prompt_cache_breakpoint']>
  >();
});

describe('what a simulated provider makes of marks', () => {
  let clients: SimulatedClients;

  beforeEach(async () => {
    clients = await startSimulatedClients();
  });
  afterEach(() => clients.provider.close());

  test('Anthropic: a prefix that was written is read as far as its keys are the same', async () => {
    const body = (question: string): DecodedRequest =>
      decodeRequest(
        'messages',
        utf8.encode(
          JSON.stringify({
            model: 'claude-sonnet-5',
            max_tokens: 100,
            tools: [{ name: 'f', input_schema: { type: 'object' } }],
            system: 'rule '.repeat(2000),
            messages: [{ role: 'user', content: question }],
          }),
        ),
      );
    const send = async (request: DecodedRequest): Promise<unknown> => {
      const { usage } = await clients.anthropic.messages.create(JSON.parse(markAll(request, '1h').text));
      return [usage.cache_creation?.ephemeral_1h_input_tokens !== 0, usage.cache_read_input_tokens !== 0];
    };
    const [first, second] = [body('one'), body('two')];
    expect(chain(first).map(({ key }, index) => key === chain(second)[index]?.key)).toEqual([true, true, false]);
    expect(await send(first)).toEqual([true, false]);
    expect(await send(first)).toEqual([false, true]);
    expect(await send(second)).toEqual([true, true]);
  });

  test('OpenAI: breakpoints on chat content and on the input of Responses are taken', async () => {
    const messages = [
      { role: 'system', content: 'rule '.repeat(2000) },
      { role: 'user', content: 'u' },
    ];
    const chat = markAll(decodeRequest('chat', utf8.encode(JSON.stringify({ model: 'gpt-5.6-luna', messages }))));
    const response = markAll(decodeRequest('responses', utf8.encode('{"model":"gpt-5.6-luna","input":"u"}')));
    const completion = await clients.openai.chat.completions.create(JSON.parse(chat.text));
    expect(completion.choices.length).toBe(1);
    const cached = await clients.openai.chat.completions.create(JSON.parse(chat.text));
    expect(cached.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(0);
    expect((await clients.openai.responses.create(JSON.parse(response.text))).status).toBe('completed');
  });
});
