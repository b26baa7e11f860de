import { expect, test } from 'vitest';
import { chosenTools } from './chosen-tools.ts';

test.each([
  ['chat, one function', { tool_choice: { type: 'function', function: { name: 'a' } } }, ['a']],
  ['chat, the old way', { function_call: { name: 'b' } }, ['b']],
  ['chat, a custom tool', { tool_choice: { type: 'custom', custom: { name: 'c' } } }, ['c']],
  [
    'chat, several allowed',
    {
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'd' } }] },
      },
    },
    ['d'],
  ],
  ['responses, one function', { tool_choice: { type: 'function', name: 'e' } }, ['e']],
  [
    'responses, several allowed',
    { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] } },
    ['f'],
  ],
  ['messages, one tool', { tool_choice: { type: 'tool', name: 'g' } }, ['g']],
  ['a word names none', { tool_choice: 'required' }, []],
])('the tools that a choice names are read: %s', (_name, body, names) => {
  expect(chosenTools({ body })).toEqual({ isStated: true, names });
});

test('a request without a choice, or with null for one, states none', () => {
  expect(chosenTools({ body: {} })).toEqual({ isStated: false, names: [] });
  expect(chosenTools({ body: { tool_choice: null } })).toEqual({ isStated: false, names: [] });
});
