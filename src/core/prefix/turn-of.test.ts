import { expect, test } from 'vitest';
import type { PromptRole } from '../model/prompt.ts';
import { turnOf } from './turn-of.ts';

test.each([
  [['user'], 1],
  [['system', 'user', 'assistant', 'user'], 2],
  [['user', 'assistant', 'tool', 'assistant', 'tool'], 3],
  [['user', 'assistant', 'assistant', 'user'], 2],
] as const)(
  'the requests of a conversation are counted by the answers in it: %j',
  (roles: readonly PromptRole[], turn) => {
    const messages = roles.map((role) => ({ role, name: undefined, blocks: [] }));
    expect(turnOf({ tools: [], mustCallTool: false, formatText: undefined, messages })).toBe(turn);
  },
);
