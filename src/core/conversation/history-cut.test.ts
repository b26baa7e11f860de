import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { conversation, conversationFaults } from '../../../test/support/conversations.ts';
import type { Prompt, PromptMessage } from '../model/prompt.ts';
import { editedPrompt } from './conversation-edit.ts';
import { conversationUnits } from './conversation-units.ts';
import { historyCut, type HistoryCut } from './history-cut.ts';
import { promptSizes } from './prompt-sizes.ts';

const count = (text: string): number => Math.ceil(text.length / 4);

function cutOf(messages: readonly PromptMessage[], maxTokens: number): HistoryCut {
  const prompt: Prompt = { tools: [], mustCallTool: false, formatText: undefined, messages };
  const { messageTokens, fixedTokens } = promptSizes(prompt, count);
  return historyCut(conversationUnits(messages), messageTokens, fixedTokens, { maxTokens });
}

/** Turns of two messages of 100 tokens each. */
function turns(amount: number): readonly PromptMessage[] {
  return Array.from({ length: amount * 2 }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    name: undefined,
    blocks: [{ kind: 'text', text: 'x'.repeat(384) }],
  }));
}

test('nothing goes up to the budget; above it about half stays, from the beginning of a turn on', () => {
  expect(cutOf(turns(5), 1000)).toMatchObject({ droppedMessages: [], fits: true });
  const cut = cutOf(turns(6), 1000);
  // The first ask stays, so there are 900 tokens of room, full with message 10; 540 of them may be kept, from message 6 on. Message 11 comes after that.
  expect(cut.droppedMessages).toEqual([1, 2, 3, 4, 5]);
  expect(cut).toMatchObject({ droppedTokens: 500, keptTokens: 700, fits: true });
});

test('between two cuts the beginning stays as it is', () => {
  const beginnings = Array.from({ length: 40 }, (_none, amount) => {
    const messages = turns(amount + 1);
    const dropped = new Set(cutOf(messages, 2000).droppedMessages);
    return messages.findIndex((_, index) => index > 0 && !dropped.has(index));
  });
  // 8,000 tokens come, and each cut makes room for 760 at least.
  expect(new Set(beginnings).size).toBeLessThanOrEqual(1 + Math.ceil((8000 - 2000) / 760));
  expect(beginnings).toEqual(beginnings.toSorted((left, right) => left - right));
});

test('a turn longer than the budget is cut between its replies and keeps its ask', () => {
  const messages: PromptMessage[] = [
    ...turns(3),
    { role: 'user', name: undefined, blocks: [{ kind: 'text', text: 'job' }] },
  ];
  for (let round = 0; round < 30; round += 1) {
    const callId = `${round}`;
    const argumentsText = 'x'.repeat(180);
    messages.push(
      { role: 'assistant', name: undefined, blocks: [{ kind: 'tool-call', callId, name: 'f', argumentsText }] },
      { role: 'tool', name: undefined, blocks: [{ kind: 'tool-result', callId, text: 'x'.repeat(180) }] },
    );
  }
  const cut = cutOf(messages, 1000);
  expect(cut.fits).toBe(true);
  expect(cut.droppedMessages).not.toContain(0);
  expect(cut.droppedMessages).not.toContain(6);
  expect(cut.droppedMessages).toContain(5);
  expect(cut.droppedMessages).toContain(8);
});

test('what always stays may be longer than the budget: the last unit stays, and the result says that it does not fit', () => {
  const system: PromptMessage = { role: 'system', name: undefined, blocks: [{ kind: 'text', text: 'x'.repeat(8000) }] };
  const messages = [system, ...turns(20)];
  const cut = cutOf(messages, 1000);
  expect(cut.fits).toBe(false);
  expect(cut.droppedMessages).not.toContain(0);
  expect(cut.droppedMessages).not.toContain(messages.length - 1);
});

describe('any conversation', () => {
  const budget = fc.integer({ min: 20, max: 2000 });

  test('what is left is taken by the provider, and it fits unless little enough can go', () => {
    fc.assert(
      fc.property(conversation(), budget, ({ shape, prompt }, maxTokens) => {
        const cut = cutOf(prompt.messages, maxTokens);
        const edits = cut.droppedMessages.map((message) => ({ kind: 'drop-message', message }) as const);
        const left = editedPrompt(prompt, edits);
        expect(conversationFaults(left, shape)).toEqual([]);
        expect(promptSizes(left, count).totalTokens).toBe(cut.keptTokens);
        if (promptSizes(prompt, count).totalTokens <= maxTokens) expect(cut.droppedMessages).toEqual([]);
      }),
    );
  });

  test('as it grows, cuts only move forward, each makes room for the next ones, and all who see it decide alike', () => {
    fc.assert(
      fc.property(conversation(30), fc.integer({ min: 200, max: 2000 }), ({ prompt }, maxTokens) => {
        const units = conversationUnits(prompt.messages);
        let before: ReadonlySet<number> = new Set();
        let changes = 0;
        for (const { end } of units) {
          const { droppedMessages } = cutOf(prompt.messages.slice(0, end), maxTokens);
          const dropped = new Set(droppedMessages);
          const isSame = dropped.size === before.size && [...before].every((message) => dropped.has(message));
          if (!isSame) {
            changes += 1;
            expect([...before].filter((message) => !dropped.has(message))).toEqual([]);
          }
          before = dropped;
        }
        const { messageTokens, totalTokens } = promptSizes(prompt, count);
        const largest = Math.max(
          ...units.map(({ start, end }) => messageTokens.slice(start, end).reduce((a, b) => a + b, 0)),
        );
        // A cut leaves at most 0.6 of the room, which is at least a quarter of the budget; so much must come before the next.
        const step = 0.4 * 0.25 * maxTokens;
        if (largest < step) expect(changes).toBeLessThanOrEqual(totalTokens / step + 1);
      }),
    );
  });
});
