import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { conversation, conversationFaults } from '../../../test/support/conversations.ts';
import type { Prompt, PromptMessage } from '../model/prompt.ts';
import { editedPrompt } from './conversation-edit.ts';
import { promptSizes } from './prompt-sizes.ts';
import { truncateConversation } from './truncate-conversation.ts';

/** Each word of up to eight letters is a token. */
function count(text: string): number {
  return text.match(/\p{L}{1,8}|\p{N}{1,3}|[^\s\p{L}\p{N}]/gu)?.length ?? 0;
}

function say(role: PromptMessage['role'], text: string): PromptMessage {
  return { role, name: undefined, blocks: [{ kind: 'text', text }] };
}

function round(callId: string, result: string): readonly PromptMessage[] {
  return [
    { role: 'assistant', name: undefined, blocks: [{ kind: 'tool-call', callId, name: 'find', argumentsText: '{}' }] },
    { role: 'tool', name: undefined, blocks: [{ kind: 'tool-result', callId, text: result }] },
  ];
}

function promptWith(...messages: readonly PromptMessage[]): Prompt {
  return { tools: [], mustCallTool: false, formatText: undefined, messages };
}

const MANY = 'words '.repeat(50);

test('a conversation within the limit is left alone', () => {
  const prompt = promptWith(say('user', 'hello'));
  expect(truncateConversation(prompt, 100, count)).toEqual({ edits: [], tokensBefore: 5, tokensAfter: 5, fits: true });
});

test('turns of the middle go that have nothing to do with the last words; system, first and last turn stay', () => {
  const topics = ['first', 'cats', 'refunds', 'boats', 'horses', 'refund?'];
  const prompt = promptWith(
    say('system', 'be kind'),
    ...topics.flatMap((topic) => [say('user', `${topic} ${MANY}`), say('assistant', `about ${topic}`)]),
    say('user', 'and what of refunds'),
  );
  const found = truncateConversation(prompt, 270, count);
  const gone = found.edits.map(({ kind, message }) => (kind === 'drop-message' ? message : -1));
  expect(gone).toEqual([3, 4, 7, 8]);
  expect(found.tokensAfter).toBeLessThanOrEqual(270);
});

test('in one long turn the rounds of the middle go, with calls and results', () => {
  const rounds = Array.from({ length: 12 }, (_, index) => round(`${index}`, MANY)).flat();
  const prompt = promptWith(say('user', 'find the error'), ...rounds);
  const found = truncateConversation(prompt, 400, count);
  const left = editedPrompt(prompt, found.edits);
  expect(conversationFaults(left, 'chat')).toEqual([]);
  expect(left.messages[0]).toEqual(prompt.messages[0]);
  expect(left.messages.at(-1)).toEqual(prompt.messages.at(-1));
  expect(left.messages.length).toBeGreaterThan(5);
});

test('one dump of a tool is shortened before any turn goes for it', () => {
  const prompt = promptWith(
    say('user', 'one'),
    say('assistant', 'two'),
    say('user', 'look'),
    ...round('1', MANY.repeat(20)),
    say('assistant', 'found'),
    say('user', 'thanks'),
    say('assistant', 'welcome'),
    say('user', 'bye'),
  );
  const { edits } = truncateConversation(prompt, 400, count);
  expect(edits.map(({ kind, message }) => `${kind} ${message}`)).toEqual(['replace-text 4']);
});

test('where nothing can go the longest texts are shortened, the last words of the user at the very end', () => {
  const prompt = promptWith(
    say('system', MANY),
    say('user', MANY.repeat(4)),
    say('assistant', 'yes'),
    say('user', MANY),
  );
  const found = truncateConversation(prompt, 180, count);
  expect(found.edits.map(({ message }) => message)).toEqual([1]);
  expect(found.fits).toBe(true);
  const less = truncateConversation(prompt, 110, count);
  expect(less.edits.map(({ message }) => message)).toEqual([1, 3]);
  expect(less.fits).toBe(true);
  const tooLittle = truncateConversation(prompt, 60, count);
  expect(tooLittle.fits).toBe(false);
  expect(tooLittle.edits.map(({ message }) => message)).not.toContain(0);
});

describe('any conversation', () => {
  test('the result fits unless it says so, is as long as it says, and providers take it', () => {
    fc.assert(
      fc.property(conversation(10), fc.integer({ min: 10, max: 800 }), ({ shape, prompt }, maxTokens) => {
        const found = truncateConversation(prompt, maxTokens, count);
        const left = editedPrompt(prompt, found.edits);
        expect(conversationFaults(left, shape)).toEqual([]);
        expect(promptSizes(left, count).totalTokens).toBe(found.tokensAfter);
        expect(found.tokensAfter).toBeLessThanOrEqual(found.tokensBefore);
        expect(found.fits).toBe(found.tokensAfter <= maxTokens);
        const kept = new Set(prompt.messages.keys());
        for (const edit of found.edits) if (edit.kind === 'drop-message') kept.delete(edit.message);
        const firstAsk = prompt.messages.findIndex(({ role }) => role === 'user');
        expect(kept.has(firstAsk) && kept.has(prompt.messages.length - 1)).toBe(true);
        for (const [index, { role }] of prompt.messages.entries())
          if (role === 'system') expect(kept.has(index)).toBe(true);
      }),
    );
  });

  test('roles that alternate go on alternating', () => {
    fc.assert(
      fc.property(conversation(10), fc.integer({ min: 10, max: 600 }), ({ shape, prompt }, maxTokens) => {
        if (shape !== 'messages') return;
        const left = editedPrompt(prompt, truncateConversation(prompt, maxTokens, count).edits);
        const roles = left.messages.map(({ role }) => role).filter((role) => role !== 'system');
        for (const [index, role] of roles.entries()) expect(role).toBe(index % 2 === 0 ? 'user' : 'assistant');
      }),
    );
  });
});
