import fc from 'fast-check';
import { expect, test } from 'vitest';
import { usageOf } from '../../core/model/usage.ts';
import { nanoUsd } from '../../core/money.ts';
import { sampleCharge, sampleIntent } from '../../testing/sample-ledger-rows.ts';
import { chargeOf, chargeOperation, intentOf, intentText } from './ledger-rows.ts';

const COLUMNS = [
  'charge_id',
  'at_ms',
  'project',
  'key_id',
  'target',
  'certainty',
  'amount_nano_usd',
  'corrects',
  'outcome',
  'facts',
  'owner_id',
];

const ids = fc.oneof(fc.constantFrom('a', 'a.b', 'a.b.1', '0', ''), fc.string({ unit: 'binary' }));
const attempts = fc.record({
  chargeId: ids,
  callId: ids,
  kind: fc.constantFrom('call', 'summary', 'judge', 'shadow', 'verify'),
  endpoint: fc.constantFrom('chat', 'responses', 'embeddings', 'messages', 'count-tokens'),
  tags: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
});

test('a charge comes back from its row as it was, also where its id is not made of its call', () => {
  const charges = fc.record({
    servedModel: fc.option(fc.string(), { nil: undefined }),
    priceEntry: fc.option(fc.string(), { nil: undefined }),
    corrects: fc.option(ids, { nil: undefined }),
    status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
    amountNanoUsd: fc.option(fc.maxSafeInteger().map(nanoUsd), { nil: undefined }),
    usage: fc.record({ input: fc.nat(), reasoning: fc.nat() }).map(usageOf),
  });
  fc.assert(
    fc.property(attempts, charges, (attempt, rest) => {
      const charge = sampleCharge({ ...attempt, ...rest });
      const [, ...parameters] = chargeOperation('insertCharge', charge, 'me');
      const row = Object.fromEntries(COLUMNS.map((name, index) => [name, parameters[index] ?? null]));
      expect(chargeOf(row)).toEqual(charge);
    }),
  );
});

test('an intent comes back from its pack as it was', () => {
  fc.assert(
    fc.property(attempts, fc.option(fc.nat().map(nanoUsd), { nil: undefined }), (attempt, upperBoundNanoUsd) => {
      const intent = sampleIntent({ ...attempt, upperBoundNanoUsd });
      expect(intentOf({ owner_id: intent.ownerId, intent: intentText(intent) })).toEqual(intent);
    }),
  );
});
