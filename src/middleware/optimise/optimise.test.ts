import { expect, test } from 'vitest';
import { DEFAULT_OPTIMIZE } from '../../core/optimize-policy.ts';
import type { Decision } from '../../core/model/decision.ts';
import { nanoUsd } from '../../core/money.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import type { Tokenizer } from '../../ports/tokenizer.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import { fakeAttempt, fakeCall, NotingReceiver } from '../../../test/support/fake-call.ts';
import type { Attempt, Outcome } from '../compose.ts';
import { optimiseMiddleware } from './optimise.ts';
import { type ConversationPin, PromptPlanner } from './prompt-plan.ts';

const DONE: Outcome = { kind: 'complete', facts: undefined };
const REQUEST = decodeRequest(
  'chat',
  new TextEncoder().encode(
    JSON.stringify({
      model: 'gpt-5.4-mini',
      messages: [
        {
          role: 'user',
          content: JSON.stringify({ rows: Array.from({ length: 90 }, (_, row) => ({ row })) }, undefined, 4),
        },
      ],
    }),
  ),
);

async function sent(
  pin: Partial<ConversationPin>,
  tokenizerOf: () => Promise<Tokenizer>,
): Promise<{
  readonly attempt: Attempt | undefined;
  readonly events: readonly EngineEvent[];
  readonly decisions: readonly Decision[];
}> {
  const events: EngineEvent[] = [];
  const step = optimiseMiddleware({
    planner: new PromptPlanner({ ...DEFAULT_OPTIMIZE, level: 'lossless' }, undefined),
    images: undefined,
    tokenizerOf,
    pinOf: () =>
      Promise.resolve({
        verbatimMessages: 0,
        cachedTokens: 0,
        droppedMessages: undefined,
        dropping: () => worth(-40),
        ...pin,
      }),
    billedForOne: () => 1,
    vendorOf: () => 'openai',
    events: { emit: (event) => events.push(event) },
  });
  let attempt: Attempt | undefined;
  const call = {
    ...fakeCall('1', new NotingReceiver()),
    attempt: { ...fakeAttempt({ provider: 'openai', model: 'gpt-5.4-mini' }), request: REQUEST },
  };
  await step.handle(call, (next) => {
    attempt = next.attempt;
    return Promise.resolve(DONE);
  });
  return { attempt, events, decisions: call.state.decisions };
}

function worth(tokens: number): ReturnType<ConversationPin['dropping']> {
  return { isWorthIt: tokens > 0, tokens, amount: nanoUsd(tokens * 250) };
}

const o200k = (): Promise<Tokenizer> => loadTokenizer('o200k_base');

test('a step that fails lets the request go as it was written, says so, and later turns leave it so', async () => {
  const { attempt, events } = await sent({}, () => Promise.reject(new Error('no vocabulary')));
  expect(attempt?.request).toBe(REQUEST);
  expect(attempt?.verbatimMessages).toBeGreaterThanOrEqual(1);
  expect(events.map(({ kind }) => kind)).toEqual(['internal-fault']);
});

test('what is cached as it came stays so, and the next turn is told, also where there was nothing else to change', async () => {
  const { attempt, decisions } = await sent({ verbatimMessages: 1, cachedTokens: 1000 }, o200k);
  expect(attempt?.request).toBe(REQUEST);
  expect(attempt?.verbatimMessages).toBe(1);
  expect(decisions).toMatchObject([
    { step: 'optimise', verdict: 'keep', reason: 'worth--40-tokens', effectNanoUsd: -10_000 },
  ]);
});

test('where leaving it out is worth it, it is changed all the same', async () => {
  const { attempt } = await sent({ verbatimMessages: 1, cachedTokens: 1000, dropping: () => worth(40) }, o200k);
  expect(attempt?.request.text.length).toBeLessThan(REQUEST.text.length);
  expect(attempt?.verbatimMessages).toBe(0);
});
