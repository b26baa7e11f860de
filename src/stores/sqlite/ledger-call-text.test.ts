import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallRecord } from '../../core/model/charge.ts';
import { USAGE_BUCKETS, usageOf } from '../../core/model/usage.ts';
import { nanoUsd, ZERO_USD } from '../../core/money.ts';
import { savingsOf } from '../../core/savings.ts';
import { sampleCallRecord } from '../../testing/sample-ledger-rows.ts';
import { callsIn, callText } from './ledger-call-text.ts';

const amounts = fc.maxSafeInteger().map(nanoUsd);
const optionalAmounts = fc.option(amounts, { nil: undefined });
const texts = fc.string({ unit: 'binary' });
const counts = fc.nat({ max: 2 ** 40 });

function records(): fc.Arbitrary<CallRecord> {
  const fields: { [Field in keyof CallRecord]?: fc.Arbitrary<CallRecord[Field]> } = {
    callId: texts,
    atMs: fc.maxSafeInteger(),
    project: texts,
    keyId: texts,
    tags: fc.dictionary(texts, texts, { noNullPrototype: true }),
    endpoint: fc.constantFrom('chat', 'responses', 'embeddings', 'messages', 'count-tokens'),
    modelAsked: texts,
    target: fc.option(texts, { nil: undefined }),
    servedModel: fc.option(texts, { nil: undefined }),
    isStream: fc.boolean(),
    status: fc.integer({ min: 100, max: 599 }),
    outcome: texts,
    cacheStatus: fc.constantFrom('hit', 'miss', 'stale', 'bypass', 'collapsed', 'off'),
    usage: fc.dictionary(fc.constantFrom(...USAGE_BUCKETS, 'reasoning'), counts).map((used) => usageOf(used)),
    costNanoUsd: optionalAmounts,
    baselineNanoUsd: optionalAmounts,
    savedNanoUsd: optionalAmounts,
    savedParts: fc.option(
      fc.record({ route: counts, cache: counts }, { requiredKeys: [] }).map(({ route = 7, cache = 7 }) => {
        return savingsOf(nanoUsd(7), { route: nanoUsd(route), cache: nanoUsd(cache) }).parts;
      }),
      { nil: undefined },
    ),
    isEstimate: fc.boolean(),
    missedByMode: fc.option(fc.record({ mode: fc.constantFrom('declared', 'all'), nanoUsd: amounts }), {
      nil: undefined,
    }),
    attempts: counts,
    durationMs: fc.double({ min: 0, max: 1e9, noNaN: true }).map(Math.abs),
    firstByteMs: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }).map(Math.abs), { nil: undefined }),
    decisions: fc.array(
      fc.record(
        { step: texts, verdict: texts, reason: texts, effectNanoUsd: amounts },
        { requiredKeys: ['step', 'verdict'] },
      ),
      { maxLength: 4 },
    ),
  };
  return fc.record(fields).map((given) => sampleCallRecord(given as Partial<CallRecord>));
}

test('records come back from a pack as they were', () => {
  fc.assert(
    fc.property(fc.array(records(), { maxLength: 4 }), (given) => {
      expect(callsIn(`[${given.map(callText).join(',')}]`)).toEqual(given);
    }),
  );
});

test('an effect of nothing and a saving of nothing are kept apart from none', () => {
  const { parts } = savingsOf(ZERO_USD, {});
  const given = sampleCallRecord({ savedParts: parts, savedNanoUsd: ZERO_USD, firstByteMs: 0 });
  expect(callsIn(`[${callText(given)}]`)).toEqual([given]);
});

test('a text that is no pack is refused by name', () => {
  expect(() => callsIn('{}')).toThrow(expect.objectContaining({ code: 'store-unavailable' }));
  expect(() => callsIn('[')).toThrow(expect.objectContaining({ code: 'store-unavailable' }));
});
