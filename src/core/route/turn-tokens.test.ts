import { expect, test } from 'vitest';
import type { Prompt, PromptRole } from '../model/prompt.ts';
import { turnTokens } from './turn-tokens.ts';

function promptOf(...said: readonly (readonly [PromptRole, number])[]): Prompt {
  return {
    tools: [],
    mustCallTool: false,
    formatText: undefined,
    messages: said.map(([role, chars]) => ({
      role,
      name: undefined,
      blocks: [{ kind: 'text', text: 'x'.repeat(chars) }],
    })),
  };
}

test('a turn adds the latest answer and what stands behind it, at four characters a token', () => {
  expect(turnTokens(promptOf(['system', 4000], ['user', 40], ['assistant', 80], ['user', 23]))).toBe(25);
  expect(turnTokens(promptOf(['user', 400], ['assistant', 40], ['assistant', 40], ['tool', 40], ['user', 8]))).toBe(32);
  expect(turnTokens(promptOf(['system', 400], ['user', 40]))).toBe(110);
  expect(turnTokens(promptOf())).toBe(0);
});
