import { expect, test } from 'vitest';
import type { Prompt, PromptBlock, PromptMessage, PromptRole } from '../model/prompt.ts';
import { latestUserText } from './latest-user-text.ts';

const text = (words: string): PromptBlock => ({ kind: 'text', text: words });
const result: PromptBlock = { kind: 'tool-result', callId: 'c', text: 'file contents' };
const said = (role: PromptRole, ...blocks: readonly PromptBlock[]): PromptMessage => ({
  role,
  name: undefined,
  blocks,
});
const prompt = (...messages: readonly PromptMessage[]): Prompt => ({
  tools: [],
  mustCallTool: false,
  messages,
  formatText: undefined,
});

test("the latest text is the user's, not the system's, the assistant's or a tool's", () => {
  const messages = [said('system', text('be brief')), said('user', text('one')), said('assistant', text('two'))];
  expect(latestUserText(prompt(...messages, said('user', text('three'), text('four')), said('tool', result)))).toBe(
    'three\nfour',
  );
  expect(latestUserText(prompt(said('system', text('be brief'))))).toBe('');
});

test('a turn of tool results and reminders is passed over, since the user said nothing in it', () => {
  const turn = said('user', result, text('<system-reminder>\nToday is Monday.\n</system-reminder>'));
  expect(latestUserText(prompt(said('user', text('mend the test')), said('assistant'), turn))).toBe('mend the test');
});

test('what an agent puts around the words of its user is left out', () => {
  const words =
    '<ide_opened_file kind="ts">a.ts</ide_opened_file>Warum ist <b>das</b> so?<system-reminder>x</system-reminder> Sag es.';
  expect(latestUserText(prompt(said('user', text(words))))).toBe('Warum ist <b>das</b> so? Sag es.');
});

test('an element that is never closed is text, and many of them are read in linear time', () => {
  const words = 'what does <system-reminder> mean?';
  expect(latestUserText(prompt(said('user', text(words))))).toBe(words);
  const hostile = '<system-reminder>'.repeat(200_000);
  const startMs = performance.now();
  expect(latestUserText(prompt(said('user', text(hostile))))).toBe(hostile);
  expect(performance.now() - startMs).toBeLessThan(1000);
});
