import type OpenAI from 'openai';
import { expect, test } from 'vitest';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { startLibraryStack } from '../support/library-stack.ts';

const ROWS = Array.from({ length: 60 }, (_, index) => ({
  order: 1000 + index,
  customer: `customer ${index}`,
  total: 12.5 + index,
  isPaid: index % 2 === 0,
}));

function lookup(content: string): OpenAI.Chat.ChatCompletionMessageParam[] {
  const call = { id: 'call_1', type: 'function' as const, function: { name: 'orders', arguments: '{}' } };
  return [
    { role: 'user', content: 'Which orders are open?' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'call_1', content },
  ];
}

test('a tool that answers with pretty JSON is sent minified, with every value as it was, and what that saved is told', async () => {
  const { openai, upstream, last } = await startLibraryStack({ optimize: { level: 'lossless' }, cache: false });
  const messages = lookup(JSON.stringify(ROWS, undefined, 4));
  await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages });
  const sent = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as { messages: typeof messages };
  expect(sent.messages[2]?.content).toBe(JSON.stringify(ROWS));
  expect(sent.messages.slice(0, 2)).toEqual(messages.slice(0, 2));
  const record = last();
  expect(record.savedParts?.optimise).toBeGreaterThan(0);
  expect(record.savedParts?.optimise).toBe(record.savedNanoUsd);
  expect(record.decisions.find(({ step }) => step === 'optimise')).toMatchObject({ verdict: 'changed' });
});

test('at level structural the records become the cheapest table, with a line that says how to read it', async () => {
  const { openai, upstream } = await startLibraryStack({ optimize: { level: 'structural' }, cache: false });
  await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages: lookup(JSON.stringify(ROWS, undefined, 4)) });
  const sent = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as { messages: { content: string }[] };
  const content = sent.messages[2]?.content ?? '';
  expect(content.length).toBeLessThan(JSON.stringify(ROWS).length * 0.6);
  for (const { order, customer } of ROWS) expect(content).toContain(`${order},${customer}`);
});

test('what the model said, and what is small, goes out as it came, to the byte', async () => {
  const { openai, upstream, last } = await startLibraryStack({ optimize: { level: 'light' }, cache: false });
  const said = `${JSON.stringify(ROWS, undefined, 4)}\n\n\n\nIn order to see more, please ask.   `;
  const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [
    { role: 'user', content: 'List them.' },
    { role: 'assistant', content: said },
    { role: 'user', content: 'Thanks.' },
  ];
  await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages });
  const sent = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as { messages: typeof messages };
  expect(sent.messages).toEqual(messages);
  expect(last().savedNanoUsd).toBe(0);
});

test('a conversation that goes on sends the same beginning again, byte for byte', async () => {
  const { openai, upstream } = await startLibraryStack({ optimize: { level: 'extractive' }, cache: false });
  const documents = Array.from({ length: 40 }, (_, index) => `Document ${index}: ${prose(seededRandom(index), 500)}`);
  const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [
    { role: 'user', content: `${documents.join('\n\n')}\n\nWhich of them speaks of a parcel in winter?` },
  ];
  const sent: string[] = [];
  for (const next of ['And of the ticket?', 'What of the month before?', 'Thank you, that was all.']) {
    // oxlint-disable-next-line no-await-in-loop
    await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages });
    const body = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as { messages: unknown[] };
    sent.push(JSON.stringify(body.messages).slice(0, -1));
    messages.push({ role: 'assistant', content: 'The third one.' }, { role: 'user', content: next });
  }
  expect(sent[0]?.length).toBeLessThan(JSON.stringify(messages[0]).length * 0.8);
  expect(sent[1]?.startsWith(sent[0] ?? '-')).toBe(true);
  expect(sent[2]?.startsWith(sent[1] ?? '-')).toBe(true);
});

test('tools that were declared safe to leave out go until they are used, and old turns go in steps', async () => {
  const { openai, upstream } = await startLibraryStack({
    optimize: { unusedTools: ['rare_*'], historyMaxTokens: 2000 },
    cache: false,
  });
  const tools = ['orders', 'rare_refund', 'rare_audit'].map((name) => ({
    type: 'function' as const,
    function: {
      name,
      description: prose(seededRandom(name.length), 300),
      parameters: { type: 'object', properties: {} },
    },
  }));
  const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [{ role: 'system', content: 'You are a clerk.' }];
  const kept: number[] = [];
  for (let turn = 0; turn < 12; turn += 1) {
    messages.push({ role: 'user', content: `${turn}: ${prose(seededRandom(turn), 1200)}` });
    // oxlint-disable-next-line no-await-in-loop
    await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages, tools });
    const body = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}') as {
      messages: { content: string }[];
      tools: typeof tools;
    };
    expect(body.tools.map((tool) => tool.function.name)).toEqual(['orders']);
    expect(body.messages[0]?.content).toBe('You are a clerk.');
    expect(body.messages.at(-1)?.content.startsWith(`${turn}:`)).toBe(true);
    kept.push(body.messages.length);
    messages.push({ role: 'assistant', content: prose(seededRandom(50 + turn), 400) });
  }
  // It grows, falls once the limit is passed, and grows again: never by one turn each time.
  const falls = kept.filter((count, index) => count < (kept[index - 1] ?? 0)).length;
  expect(falls).toBeGreaterThan(0);
  expect(falls).toBeLessThan(4);
});
