import fc from 'fast-check';
import { expect, test } from 'vitest';

import { conversation, conversationFaults } from '../../../test/support/conversations.ts';
import type { PromptBlock, PromptMessage } from '../model/prompt.ts';
import { type ConversationEdit, editedPrompt } from './conversation-edit.ts';
import { conversationUnits } from './conversation-units.ts';

function text(words: string): PromptBlock {
  return { kind: 'text', text: words };
}

function call(callId: string): PromptBlock {
  return { kind: 'tool-call', callId, name: 'find', argumentsText: '{}' };
}

function result(callId: string): PromptBlock {
  return { kind: 'tool-result', callId, text: 'found' };
}

function say(role: PromptMessage['role'], ...blocks: readonly PromptBlock[]): PromptMessage {
  return { role, name: undefined, blocks };
}

function shapes(...messages: readonly PromptMessage[]): readonly string[] {
  return conversationUnits(messages).map(({ kind, start, end, turn }) => `${kind} ${start}-${end} of ${turn}`);
}

test('parallel calls and all their results are one unit, in messages of their own or in one', () => {
  expect(
    shapes(
      say('system', text('s')),
      say('user', text('q')),
      say('assistant', call('1'), call('2')),
      say('tool', result('1')),
      say('tool', result('2')),
      say('assistant', text('a')),
    ),
  ).toEqual(['system 0-1 of -1', 'ask 1-2 of 0', 'reply 2-5 of 0', 'reply 5-6 of 0']);
  expect(
    shapes(say('user', text('q')), say('assistant', call('1'), call('2')), say('user', result('1'), result('2'))),
  ).toEqual(['ask 0-1 of 0', 'reply 1-3 of 0']);
});

test('items of one answer stay together: reasoning, text and calls in messages of their own', () => {
  expect(
    shapes(
      say('user', text('q')),
      say('assistant', { kind: 'reasoning', text: 'hm' }),
      say('assistant', call('1')),
      say('tool', result('1')),
      say('assistant', { kind: 'reasoning', text: 'so' }),
      say('assistant', text('a')),
    ),
  ).toEqual(['ask 0-1 of 0', 'reply 1-4 of 0', 'reply 4-6 of 0']);
});

test('a result that comes late keeps everything before it with its call', () => {
  expect(
    shapes(
      say('user', text('q')),
      say('assistant', call('1')),
      say('user', text('wait')),
      say('tool', result('1')),
      say('user', text('next')),
    ),
  ).toEqual(['ask 0-1 of 0', 'reply 1-4 of 0', 'ask 4-5 of 1']);
});

test('an id that comes again belongs to the latest call of it', () => {
  const round = [say('assistant', call('1')), say('tool', result('1'))];
  expect(shapes(say('user', text('q')), ...round, say('user', text('r')), ...round)).toEqual([
    'ask 0-1 of 0',
    'reply 1-3 of 0',
    'ask 3-4 of 1',
    'reply 4-6 of 1',
  ]);
});

test('units cover the messages in order, and leaving out any of the replies or turns leaves no orphan', () => {
  fc.assert(
    fc.property(conversation(), fc.infiniteStream(fc.boolean()), ({ shape, prompt }, chances) => {
      const units = conversationUnits(prompt.messages);
      expect(units.flatMap(({ start, end }) => prompt.messages.slice(start, end))).toEqual(prompt.messages);
      const edits = units
        .filter(({ kind, hasTools }) => kind === 'reply' && hasTools && chances.next().value)
        .flatMap(({ start, end }) =>
          Array.from({ length: end - start }, (_, index): ConversationEdit => {
            return { kind: 'drop-message', message: start + index };
          }),
        );
      expect(conversationFaults(prompt, shape)).toEqual([]);
      const faults = conversationFaults(editedPrompt(prompt, edits), shape);
      expect(faults).toEqual([]);
    }),
  );
});
