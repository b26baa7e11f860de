import fc from 'fast-check';
import type { Prompt, PromptBlock, PromptMessage } from '../../src/core/model/prompt.ts';

/** How a protocol spreads a conversation over messages. */
export type ConversationShape = 'chat' | 'messages' | 'responses';

interface Round {
  readonly thought: string | undefined;
  readonly results: readonly string[];
}

interface Turn {
  readonly asks: readonly string[];
  readonly rounds: readonly Round[];
  readonly answer: string | undefined;
}

const words = (): fc.Arbitrary<string> =>
  fc
    .array(
      fc.constantFrom('refund', 'order', 'Paris', '42', 'never', 'ship', 'to', 'the', 'übermorgen', '東京', 'ok.'),
      {
        maxLength: 60,
      },
    )
    .map((list) => list.join(' '));

const turn = (): fc.Arbitrary<Turn> =>
  fc.record({
    asks: fc.array(words(), { minLength: 1, maxLength: 2 }),
    rounds: fc.array(
      fc.record({
        thought: fc.option(words(), { nil: undefined }),
        results: fc.array(words(), { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 4 },
    ),
    answer: fc.option(words(), { nil: undefined, freq: 6 }),
  });

/** A well-formed conversation in one of the shapes; ids of calls may come again in later turns. */
export function conversation(
  maxTurns = 8,
): fc.Arbitrary<{ readonly shape: ConversationShape; readonly prompt: Prompt }> {
  return fc
    .record({
      shape: fc.constantFrom<ConversationShape>('chat', 'messages', 'responses'),
      system: fc.option(words(), { nil: undefined }),
      turns: fc.array(turn(), { minLength: 1, maxLength: maxTurns }),
      reusesIds: fc.boolean(),
    })
    .map(({ shape, system, turns, reusesIds }) => ({
      shape,
      prompt: {
        tools: [],
        mustCallTool: false,
        formatText: undefined,
        messages: [
          ...(system === undefined ? [] : [message('system', [{ kind: 'text', text: system }])]),
          ...turns.flatMap((one, index) => turnMessages(one, shape, reusesIds ? 'x' : `${index}`)),
        ],
      },
    }));
}

function turnMessages(one: Turn, shape: ConversationShape, id: string): readonly PromptMessage[] {
  // Without an answer a turn ends with results or, without any, with the ask.
  const asks = shape === 'messages' ? one.asks.slice(0, 1) : one.asks;
  const messages: PromptMessage[] = asks.map((text) => message('user', [{ kind: 'text', text }]));
  for (const [index, round] of one.rounds.entries()) messages.push(...roundMessages(round, shape, `${id}.${index}`));
  if (one.answer !== undefined || shape === 'messages') {
    messages.push(message('assistant', [{ kind: 'text', text: one.answer ?? 'done' }]));
  }
  return messages;
}

function roundMessages(round: Round, shape: ConversationShape, id: string): readonly PromptMessage[] {
  const thoughts: PromptBlock[] = round.thought === undefined ? [] : [{ kind: 'text', text: round.thought }];
  const calls: PromptBlock[] = round.results.map((_, index) => ({
    kind: 'tool-call',
    callId: `${id}.${index}`,
    name: 'look_up',
    argumentsText: `{"q":${index}}`,
  }));
  const results: PromptBlock[] = round.results.map((text, index) => ({
    kind: 'tool-result',
    callId: `${id}.${index}`,
    text,
  }));
  switch (shape) {
    case 'messages':
      return [message('assistant', [...thoughts, ...calls]), message('user', results)];
    case 'chat':
      return [message('assistant', [...thoughts, ...calls]), ...results.map((result) => message('tool', [result]))];
    case 'responses':
      return [...thoughts, ...calls]
        .map((block) => message('assistant', [block]))
        .concat(results.map((result) => message('tool', [result])));
  }
}

function message(role: PromptMessage['role'], blocks: readonly PromptBlock[]): PromptMessage {
  return { role, name: undefined, blocks };
}

/** What a provider would refuse in a conversation; none for one that it takes. */
export function conversationFaults(prompt: Prompt, shape: ConversationShape): readonly string[] {
  const faults: string[] = [];
  const open = new Set<string>();
  const spoken = prompt.messages.filter(({ role }) => role !== 'system');
  if (spoken[0] !== undefined && spoken[0].role !== 'user') faults.push(`begins with ${spoken[0].role}`);
  for (const [index, { role, blocks }] of spoken.entries()) {
    const closesCalls = blocks.some(({ kind }) => kind === 'tool-result');
    if (open.size > 0 && !closesCalls && role !== 'assistant') faults.push(`${index}: calls without a result`);
    for (const block of blocks) {
      if (block.kind === 'tool-call') open.add(block.callId);
      if (block.kind === 'tool-result' && !open.delete(block.callId)) faults.push(`${index}: a result without a call`);
    }
    if (shape === 'messages' && closesCalls && open.size > 0) faults.push(`${index}: a call without its result`);
    const isDouble = role === 'assistant' && spoken[index - 1]?.role === 'assistant';
    if (isDouble && shape !== 'responses') faults.push(`${index}: two answers in a row`);
  }
  if (open.size > 0) faults.push('a call without its result at the end');
  return faults;
}
