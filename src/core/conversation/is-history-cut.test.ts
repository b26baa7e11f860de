import { expect, test } from 'vitest';
import type { PromptMessage } from '../model/prompt.ts';
import { conversationUnits } from './conversation-units.ts';
import { historyCut } from './history-cut.ts';
import { isHistoryCut } from './is-history-cut.ts';

const text = (role: PromptMessage['role']): PromptMessage => ({
  role,
  name: undefined,
  blocks: [{ kind: 'text', text: 'words' }],
});
const CALL: PromptMessage = {
  role: 'assistant',
  name: undefined,
  blocks: [{ kind: 'tool-call', callId: 'a', name: 'look', argumentsText: '{}' }],
};
const RESULT: PromptMessage = {
  role: 'tool',
  name: undefined,
  blocks: [{ kind: 'tool-result', callId: 'a', text: 'found' }],
};
// 0 system, 1 ask, 2 reply, 3 ask, 4 call with 5 result, 6 reply, 7 ask.
const MESSAGES = [
  text('system'),
  text('user'),
  text('assistant'),
  text('user'),
  CALL,
  RESULT,
  text('assistant'),
  text('user'),
];
const UNITS = conversationUnits(MESSAGES);

test('every cut that is made is one', () => {
  for (let maxTokens = 10; maxTokens < 900; maxTokens += 10) {
    const sizes = MESSAGES.map(() => 100);
    expect(isHistoryCut(UNITS, historyCut(UNITS, sizes, 0, { maxTokens }).droppedMessages)).toBe(true);
  }
});

test.each([
  ['the system message', [0]],
  ['the first ask', [1]],
  ['half of a tool pair', [2, 3, 4]],
  ['an ask without its reply', [3]],
  ['a message that is not there', [2, 99]],
])('%s cannot go', (_what, dropped) => {
  expect(isHistoryCut(UNITS, dropped)).toBe(false);
});
