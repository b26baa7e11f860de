import { expect, test } from 'vitest';
import type { Intent } from '../../core/model/charge.ts';
import type { ReplyFacts } from '../../core/model/reply.ts';
import { usageOf } from '../../core/model/usage.ts';
import { FarthingError } from '../../core/errors.ts';
import { nanoUsd } from '../../core/money.ts';
import { type AttemptEnd, attemptCharge } from './attempt-charge.ts';

const intent: Intent = {
  chargeId: 'c.1',
  callId: 'c',
  kind: 'call',
  atMs: 1,
  ownerId: 'o',
  project: 'p',
  keyId: 'k',
  tags: {},
  endpoint: 'chat',
  target: 'openai/gpt-5.4-mini',
  upperBoundNanoUsd: nanoUsd(1000),
};
const facts: ReplyFacts = {
  ended: true,
  finish: 'complete',
  terms: {},
  usedHostedTools: false,
  isEmpty: false,
  outputBytes: 40,
};
const usage = usageOf({ input: 100, output: 7 });

function end(changes: Partial<AttemptEnd>): AttemptEnd {
  return {
    intent,
    outcome: { kind: 'complete', facts: { ...facts, usage } },
    status: 200,
    error: undefined,
    atMs: 2,
    estimatedInputTokens: 25,
    price: (priced) => ({ amountNanoUsd: nanoUsd(priced.input * 10 + priced.output * 100), priceEntry: 'b:e' }),
    ...changes,
  };
}

test('stated usage is charged as stated', () => {
  expect(attemptCharge(end({}))).toMatchObject({
    certainty: 'exact',
    usage,
    amountNanoUsd: 1700,
    priceEntry: 'b:e',
    outcome: 'complete',
  });
});

test('a model without a price is unpriced, never 0', () => {
  expect(attemptCharge(end({ price: () => undefined }))).toMatchObject({
    certainty: 'unpriced',
    amountNanoUsd: undefined,
  });
});

test('what the provider refused costs nothing', () => {
  expect(attemptCharge(end({ status: 429, outcome: { kind: 'provider-error', facts } }))).toMatchObject({
    certainty: 'none',
    amountNanoUsd: 0,
  });
});

test('what never left costs nothing', () => {
  const error = new FarthingError('provider-unreachable', 'no connection');
  expect(attemptCharge(end({ status: undefined, error, outcome: { kind: 'broken', facts: undefined } }))).toMatchObject(
    {
      certainty: 'none',
      outcome: 'provider-unreachable',
    },
  );
});

test('a call whose client left before it was sent costs nothing', () => {
  const error = new FarthingError('client-left', 'gone');
  const outcome = { kind: 'client-left', facts: undefined, neverSent: true } as const;
  expect(attemptCharge(end({ status: undefined, error, outcome }))).toMatchObject({
    certainty: 'none',
    amountNanoUsd: 0,
  });
});

test('what was sent and never answered is an estimate of its input', () => {
  const error = new FarthingError('provider-timeout', 'silent');
  const charge = attemptCharge(end({ status: undefined, error, outcome: { kind: 'broken', facts: undefined } }));
  expect(charge).toMatchObject({ certainty: 'estimate', amountNanoUsd: 250, outcome: 'provider-timeout' });
});

test('a cut stream is charged for what was produced, with the input that it stated', () => {
  const cut = { ...facts, ended: false, usage: usageOf({ input: 60, cacheRead: 40, output: 1 }) };
  const charge = attemptCharge(end({ outcome: { kind: 'broken', facts: cut } }));
  expect(charge.certainty).toBe('estimate');
  expect(charge.usage).toMatchObject({ input: 60, cacheRead: 40, output: 10 });
});

test('a whole answer without usage is an estimate', () => {
  expect(attemptCharge(end({ outcome: { kind: 'complete', facts } }))).toMatchObject({
    certainty: 'estimate',
    usage: usageOf({ input: 25, output: 10 }),
  });
});

test('counting tokens is free', () => {
  const free = { ...intent, endpoint: 'count-tokens' as const };
  expect(attemptCharge(end({ intent: free }))).toMatchObject({ certainty: 'none', amountNanoUsd: 0 });
});
