import fc from 'fast-check';
import { expect, test } from 'vitest';

import { conversation, conversationFaults } from '../../../test/support/conversations.ts';
import type { Prompt } from '../model/prompt.ts';
import { editedPrompt } from './conversation-edit.ts';
import { conversationUnits } from './conversation-units.ts';
import { historyCut } from './history-cut.ts';
import { promptSizes } from './prompt-sizes.ts';
import { summaryEdits, summaryPlan } from './summary-plan.ts';

const hash = (text: string): string => `#${text.length}:${text.slice(-40)}`;

const PROMPT: Prompt = {
  tools: [],
  mustCallTool: false,
  formatText: undefined,
  messages: [
    { role: 'user', name: undefined, blocks: [{ kind: 'text', text: 'Book a flight.' }] },
    {
      role: 'assistant',
      name: undefined,
      blocks: [
        { kind: 'reasoning', text: 'hm' },
        { kind: 'tool-call', callId: '1', name: 'flights', argumentsText: '{"to":"Rome"}' },
      ],
    },
    { role: 'tool', name: undefined, blocks: [{ kind: 'tool-result', callId: '1', text: 'LH 123' }] },
    { role: 'user', name: undefined, blocks: [{ kind: 'text', text: 'And a hotel?' }] },
  ],
};

test('the summariser is told who said what, and the summary stands behind the words that stay', () => {
  const plan = summaryPlan(PROMPT, [1, 2], hash);
  expect(plan?.transcript).toBe('Assistant calls flights: {"to":"Rome"}\n\nResult: LH 123');
  if (plan === undefined) return;
  const left = editedPrompt(PROMPT, summaryEdits(PROMPT, plan, ' LH 123 to Rome was found. '));
  expect(left.messages).toEqual([
    {
      role: 'user',
      name: undefined,
      blocks: [
        {
          kind: 'text',
          text: 'Book a flight.\n\n[Summary of the conversation up to here:\nLH 123 to Rome was found.]',
        },
      ],
    },
    PROMPT.messages[3],
  ]);
});

test('without words before the turns, or without turns, there is no plan', () => {
  expect(summaryPlan(PROMPT, [], hash)).toBeUndefined();
  expect(summaryPlan(PROMPT, [0, 1, 2], hash)).toBeUndefined();
});

test('as a conversation grows its summary keeps its key until the cut moves, and what is left is taken by providers', () => {
  fc.assert(
    fc.property(conversation(12), fc.integer({ min: 100, max: 600 }), ({ shape, prompt }, maxTokens) => {
      const keys = new Map<string, string>();
      for (const { end } of conversationUnits(prompt.messages)) {
        const grown = { ...prompt, messages: prompt.messages.slice(0, end) };
        const sizes = promptSizes(grown, (text) => text.length);
        const units = conversationUnits(grown.messages);
        const { droppedMessages } = historyCut(units, sizes.messageTokens, sizes.fixedTokens, { maxTokens });
        const plan = summaryPlan(grown, droppedMessages, hash);
        if (plan === undefined) continue;
        const cut = droppedMessages.join(' ');
        expect(keys.get(cut) ?? plan.key).toBe(plan.key);
        keys.set(cut, plan.key);
        expect(conversationFaults(editedPrompt(grown, summaryEdits(grown, plan, 'so far')), shape)).toEqual([]);
      }
    }),
    { numRuns: 50 },
  );
});
