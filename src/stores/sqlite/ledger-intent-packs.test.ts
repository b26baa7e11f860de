import { expect, test } from 'vitest';
import { IntentPacks } from './ledger-intent-packs.ts';

function packsOf(...chargeIds: readonly string[]): IntentPacks {
  const packs = new IntentPacks('me');
  for (const chargeId of chargeIds) packs.add(chargeId, JSON.stringify(chargeId));
  return packs;
}

test('intents added together are one row, which goes when the last of them is settled', () => {
  const packs = packsOf('a', 'b');
  expect(packs.take()).toEqual([['insertIntents', 'me', 1, '["a","b"]']]);
  packs.settle('a');
  expect(packs.hasSpent).toBe(false);
  packs.settle('b');
  packs.settle('b');
  expect(packs.take()).toEqual([['deleteIntents', 'me', 1]]);
  expect(packs.take()).toEqual([]);
});

test('a row whose intents are all settled before it is written is not written', () => {
  const packs = packsOf('a');
  packs.settle('a');
  expect(packs.take()).toEqual([]);
});

test('no row with an open intent goes, whichever of two copies is settled', () => {
  const packs = packsOf('a');
  packs.take();
  packs.add('a', '"a"');
  packs.add('b', '"b"');
  packs.take();
  packs.settle('a');
  expect(packs.take()).toEqual([]);
});

test('an intent that is written by itself leaves its row to the others', () => {
  const packs = packsOf('a', 'b');
  packs.take();
  expect(packs.alone('a', '"a"')).toEqual(['insertIntents', 'me', 2, '["a"]']);
  packs.settle('b');
  expect(packs.take()).toEqual([['deleteIntents', 'me', 1]]);
  packs.settle('a');
  expect(packs.take()).toEqual([['deleteIntents', 'me', 2]]);
});
