import { expect, test } from 'vitest';
import { IntentPacks, type PackedIntent } from './ledger-intent-packs.ts';

function intent(chargeId: string): PackedIntent {
  return { chargeId, text: JSON.stringify(chargeId) };
}

function packsOf(...chargeIds: readonly string[]): IntentPacks {
  const packs = new IntentPacks();
  for (const chargeId of chargeIds) packs.add(intent(chargeId));
  return packs;
}

test('intents added together are one row, which goes when the last of them is settled', () => {
  const packs = packsOf('a', 'b');
  expect(packs.take('me')).toEqual([['insertIntents', 1, '["a","b"]', 'me']]);
  packs.settle('a');
  expect(packs.hasSpent).toBe(false);
  packs.settle('b');
  packs.settle('b');
  expect(packs.take('me')).toEqual([['deleteIntents', 'me', 1]]);
  expect(packs.take('me')).toEqual([]);
});

test('a row whose intents are all settled before it is written is not written', () => {
  const packs = packsOf('a');
  packs.settle('a');
  expect(packs.take('me')).toEqual([]);
});

test('no row with an open intent goes, whichever of two copies is settled', () => {
  const packs = packsOf('a');
  packs.take('me');
  packs.add(intent('a'));
  packs.add(intent('b'));
  packs.take('me');
  packs.settle('a');
  expect(packs.take('me')).toEqual([]);
});

test('an intent that is written by itself leaves its row to the others', () => {
  const packs = packsOf('a', 'b');
  packs.take('me');
  expect(packs.apart([intent('a')], 'other')).toEqual(['insertIntents', 2, '["a"]', 'other']);
  packs.settle('b');
  expect(packs.take('me')).toEqual([['deleteIntents', 'me', 1]]);
  packs.settle('a');
  expect(packs.take('me')).toEqual([['deleteIntents', 'other', 2]]);
});
