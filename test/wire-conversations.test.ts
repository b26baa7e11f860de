import { describe, expect, test } from 'vitest';
import { type ConversationEdit, editedPrompt } from '../src/core/conversation/conversation-edit.ts';
import { conversationUnits } from '../src/core/conversation/conversation-units.ts';
import { historyCut } from '../src/core/conversation/history-cut.ts';
import { promptSizes } from '../src/core/conversation/prompt-sizes.ts';
import { truncateConversation } from '../src/core/conversation/truncate-conversation.ts';
import { decodeRequest } from '../src/wire/decode-request.ts';
import type { DecodedRequest } from '../src/wire/decoded-request.ts';
import { editRequest } from '../src/wire/prompt/edit-request.ts';
import { blockTextEdits } from '../src/wire/prompt/prompt-edits.ts';
import { promptOf } from '../src/wire/prompt/prompt-of.ts';
import type { RequestEdit } from '../src/wire/prompt/request-edit.ts';
import type { RequestPrompt } from '../src/wire/prompt/request-prompt.ts';
import { type ConversationShape, conversationFaults } from './support/conversations.ts';
import { hasData } from './support/shared-data.ts';
import { wireRecordings } from './support/wire-recordings.ts';

const utf8 = new TextEncoder();

function count(text: string): number {
  return Math.ceil(text.length / 4);
}

function requestEdits({ messages }: RequestPrompt, edits: readonly ConversationEdit[]): readonly RequestEdit[] {
  return edits.flatMap((edit): readonly RequestEdit[] => {
    const place = messages[edit.message];
    if (place === undefined) throw new Error('no place');
    if (edit.kind === 'drop-message') return [{ kind: 'remove', path: place.path }];
    const block = place.blocks[edit.block];
    return block === undefined ? [] : blockTextEdits(block, edit.text);
  });
}

describe.skipIf(!hasData('wire'))('recorded conversations in ../shared/data/wire', () => {
  const conversations = wireRecordings().flatMap(({ name, endpoint, request: body }) => {
    if (endpoint === 'embeddings' || typeof body !== 'object' || body === null) return [];
    const request = decodeRequest(endpoint, utf8.encode(JSON.stringify(body)));
    const read = promptOf(request);
    if (read === undefined || read.prompt.messages.length < 3) return [];
    const shape: ConversationShape = endpoint === 'chat' ? 'chat' : endpoint === 'responses' ? 'responses' : 'messages';
    return conversationFaults(read.prompt, shape).length > 0 ? [] : [{ name, request, read, shape }];
  });

  function edited(request: DecodedRequest, read: RequestPrompt, edits: readonly ConversationEdit[]): RequestPrompt {
    const after = promptOf(editRequest(request, requestEdits(read, edits)));
    if (after === undefined) throw new Error('no prompt');
    return after;
  }

  test('there are many', () => {
    expect(conversations.length).toBeGreaterThan(50);
  });

  test('shortened ones are read back as what they were to become, and providers take them', () => {
    const made = { 'drop-message': 0, 'replace-text': 0 };
    for (const { name, request, read, shape } of conversations) {
      const { totalTokens } = promptSizes(read.prompt, count);
      for (const share of [0.8, 0.4, 0.1]) {
        const { edits, tokensAfter } = truncateConversation(read.prompt, Math.floor(totalTokens * share), count);
        const after = edited(request, read, edits);
        expect(after.prompt.messages, name).toEqual(editedPrompt(read.prompt, edits).messages);
        expect(promptSizes(after.prompt, count).totalTokens, name).toBe(tokensAfter);
        expect(conversationFaults(after.prompt, shape), name).toEqual([]);
        for (const { kind } of edits) made[kind] += 1;
      }
    }
    expect(Math.min(...Object.values(made))).toBeGreaterThan(5);
  });

  test('cut ones as well', () => {
    for (const { name, request, read, shape } of conversations) {
      const { messageTokens, fixedTokens, totalTokens } = promptSizes(read.prompt, count);
      const maxTokens = Math.floor(totalTokens * 0.5);
      const cut = historyCut(conversationUnits(read.prompt.messages), messageTokens, fixedTokens, { maxTokens });
      const edits = cut.droppedMessages.map((message) => ({ kind: 'drop-message', message }) as const);
      expect(conversationFaults(edited(request, read, edits).prompt, shape), name).toEqual([]);
    }
  });
});
