import { expect, test } from 'vitest';
import type { Prompt, PromptMessage } from '../model/prompt.ts';
import { promptTexts } from './prompt-texts.ts';

const LONG = 'A sentence of a document that goes on. '.repeat(200);

function message(role: PromptMessage['role'], ...texts: readonly string[]): PromptMessage {
  return { role, name: undefined, blocks: texts.map((text) => ({ kind: 'text', text })) };
}

function prompt(...messages: readonly PromptMessage[]): Prompt {
  return { tools: [], mustCallTool: false, formatText: undefined, messages };
}

const ANY = (): boolean => true;

test('what the model said, reasoning and short texts are not offered', () => {
  const said = prompt(message('assistant', LONG), message('user', 'short'), {
    role: 'assistant',
    name: undefined,
    blocks: [{ kind: 'reasoning', text: LONG }],
  });
  expect(promptTexts(said, ANY)).toEqual([]);
});

test('documents of a message are asked by its last text, results of tools by the latest words of the user', () => {
  const result: PromptMessage = {
    role: 'tool',
    name: undefined,
    blocks: [{ kind: 'tool-result', callId: '1', text: LONG }],
  };
  const texts = promptTexts(prompt(message('user', LONG, 'Who?'), message('assistant', 'x'), result), ANY);
  expect(texts.map(({ question }) => question)).toEqual(['Who?', 'Who?']);
});

test('a system prompt is never asked anything, and what may not be edited is left out', () => {
  const both = prompt(message('system', LONG), message('user', LONG, 'Who?'));
  expect(promptTexts(both, ANY).map(({ role, question }) => [role, question])).toEqual([
    ['system', undefined],
    ['user', 'Who?'],
  ]);
  expect(promptTexts(both, (index) => index === 0).map(({ message: index }) => index)).toEqual([0]);
});

test('later messages change nothing of what was found for earlier ones', () => {
  const begin = [message('system', LONG), message('user', LONG, 'Who?')];
  const longer = prompt(...begin, message('assistant', 'Ann.'), message('user', LONG, 'When?'));
  expect(promptTexts(longer, ANY).slice(0, 2)).toEqual(promptTexts(prompt(...begin), ANY));
});
