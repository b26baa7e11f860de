import { expect, test } from 'vitest';
import { promptSettings } from './prompt-settings.ts';

test('tools are forbidden by `none`, as a word and as an object', () => {
  expect(promptSettings({ tool_choice: 'none' })).toEqual({ mustNotCallTool: true });
  expect(promptSettings({ tool_choice: { type: 'none' } })).toEqual({ mustNotCallTool: true });
  expect(promptSettings({ tool_choice: 'auto' })).toEqual({});
  expect(promptSettings({ tool_choice: { type: 'tool', name: 'none' } })).toEqual({});
});

test('thinking is asked for with a budget, or by a router with `reasoning` that is not off', () => {
  expect(promptSettings({ thinking: { type: 'enabled', budget_tokens: 1024 } })).toEqual({ thinks: true });
  expect(promptSettings({ thinking: { type: 'adaptive' } })).toEqual({});
  expect(promptSettings({ thinking: { type: 'disabled' } })).toEqual({});
  expect(promptSettings({ reasoning: { effort: 'high' } })).toEqual({ thinks: true });
  expect(promptSettings({ reasoning: { effort: 'none' } })).toEqual({});
  expect(promptSettings({ reasoning: { enabled: false } })).toEqual({});
  expect(promptSettings({})).toEqual({});
});
