import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Prompt, PromptBlock } from '../model/prompt.ts';
import { unusedTools, type UnusedToolsPolicy } from './unused-tools.ts';

function prompt(names: readonly string[], ...blocks: readonly PromptBlock[]): Prompt {
  return {
    tools: names.map((name) => ({ kind: 'function', name, description: '', parameters: undefined, text: name })),
    mustCallTool: false,
    formatText: undefined,
    messages: blocks.map((block) => ({
      role: block.kind === 'tool-call' ? 'assistant' : 'user',
      name: undefined,
      blocks: [block],
    })),
  };
}

const POLICY: UnusedToolsPolicy = { patterns: ['*'], chosenNames: [], hasToolChoice: false };
const TOOLS = ['jira_create', 'jira_find', 'mail_send'];

test('only tools that were declared are left out; a star stands for anything', () => {
  expect(unusedTools(prompt(TOOLS), { ...POLICY, patterns: ['jira_*'] })).toEqual([0, 1]);
  expect(unusedTools(prompt(TOOLS), { ...POLICY, patterns: ['*_f*d', 'mail_sen'] })).toEqual([1]);
  expect(unusedTools(prompt(TOOLS), { ...POLICY, patterns: [] })).toEqual([]);
});

test('tools that were called, are chosen or are named by the user stay, for the rest of the conversation', () => {
  const called: PromptBlock = { kind: 'tool-call', callId: '1', name: 'jira_find', argumentsText: '{}' };
  expect(unusedTools(prompt(TOOLS, called), POLICY)).toEqual([0, 2]);
  expect(unusedTools(prompt(TOOLS), { ...POLICY, chosenNames: ['mail_send'] })).toEqual([0, 1]);
  const asked: PromptBlock = { kind: 'text', text: 'use jira_create' };
  expect(unusedTools(prompt(TOOLS, asked), POLICY)).toEqual([1, 2]);
  expect(unusedTools(prompt(TOOLS, asked, { kind: 'text', text: 'and now?' }), POLICY)).toEqual([1, 2]);
});

test('a call that chooses, or a history with calls, keeps its tools when all would go', () => {
  expect(unusedTools(prompt(TOOLS), POLICY)).toEqual([0, 1, 2]);
  expect(unusedTools(prompt(TOOLS), { ...POLICY, hasToolChoice: true })).toEqual([]);
  expect(unusedTools({ ...prompt(TOOLS), mustCallTool: true }, POLICY)).toEqual([]);
  const called: PromptBlock = { kind: 'tool-call', callId: '1', name: 'gone', argumentsText: '{}' };
  expect(unusedTools(prompt(TOOLS, called), POLICY)).toEqual([]);
});

test('a pattern fits as the same pattern written as a regular expression does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 }),
      letters,
      (name, pattern) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(unusedTools(prompt([name]), { ...POLICY, patterns: [pattern] })).toEqual(
          expression.test(name) ? [0] : [],
        );
      },
    ),
  );
});
