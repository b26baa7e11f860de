import type { CallRecord, Charge, Intent } from '../core/model/charge.ts';
import { usageOf } from '../core/model/usage.ts';
import { nanoUsd, ZERO_USD } from '../core/money.ts';
import { savingsOf } from '../core/savings.ts';

/** An intent for tests; every field can be set. @public */
export function sampleIntent(fields: Partial<Intent> = {}): Intent {
  return {
    chargeId: 'call_1.1',
    callId: 'call_1',
    kind: 'call',
    atMs: 1_000,
    ownerId: 'owner_1',
    project: 'search',
    keyId: 'key_1',
    tags: { user: 'alice' },
    endpoint: 'chat',
    target: 'openai/gpt-5.4-mini',
    upperBoundNanoUsd: nanoUsd(5_000),
    ...fields,
  };
}

/** A charge for tests that settles {@link sampleIntent}; every field can be set. @public */
export function sampleCharge(fields: Partial<Charge> = {}): Charge {
  return {
    chargeId: 'call_1.1',
    callId: 'call_1',
    kind: 'call',
    atMs: 1_000,
    project: 'search',
    keyId: 'key_1',
    tags: { user: 'alice' },
    endpoint: 'chat',
    target: 'openai/gpt-5.4-mini',
    servedModel: 'gpt-5.4-mini-2026-03-17',
    usage: usageOf({ input: 100, cacheRead: 20, output: 30, reasoning: 10 }),
    certainty: 'exact',
    amountNanoUsd: nanoUsd(1_200),
    priceEntry: '2026-11-23:openai/gpt-5.4-mini',
    corrects: undefined,
    status: 200,
    outcome: 'complete',
    ...fields,
  };
}

/** The record of a call for tests; every field can be set. @public */
export function sampleCallRecord(fields: Partial<CallRecord> = {}): CallRecord {
  const savings = savingsOf(nanoUsd(1_500), { optimise: nanoUsd(1_200) });
  return {
    callId: 'call_1',
    atMs: 1_000,
    project: 'search',
    keyId: 'key_1',
    tags: { user: 'alice' },
    endpoint: 'chat',
    modelAsked: 'gpt-5.4-mini',
    target: 'openai/gpt-5.4-mini',
    servedModel: 'gpt-5.4-mini-2026-03-17',
    isStream: false,
    status: 200,
    outcome: 'complete',
    cacheStatus: 'miss',
    usage: usageOf({ input: 100, cacheRead: 20, output: 30, reasoning: 10 }),
    costNanoUsd: savings.costNanoUsd,
    baselineNanoUsd: savings.baselineNanoUsd,
    savedNanoUsd: savings.savedNanoUsd,
    savedParts: savings.parts,
    isEstimate: false,
    missedByMode: undefined,
    attempts: 1,
    durationMs: 812.5,
    firstByteMs: 200.25,
    decisions: [{ step: 'cache', verdict: 'miss', reason: 'sampling', effectNanoUsd: ZERO_USD }],
    route: undefined,
    ...fields,
  };
}
