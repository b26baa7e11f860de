import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HashTable } from './hash-table.ts';

const word = fc.oneof(fc.constantFrom(0, 1, 1024, 2048, 0xff_ff_ff_ff), fc.nat());
const hash = fc.tuple(word, word, word, word);

test('it is a map of hashes, also where their first words collide', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          hash,
          fc.oneof(
            fc.nat(),
            fc.maxSafeNat().map((value) => value % 2 ** 47),
          ),
        ),
        { maxLength: 300 },
      ),
      (entries) => {
        const table = new HashTable(1000);
        const map = new Map<string, number>();
        for (const [words, value] of entries) {
          expect(table.set(Uint32Array.from(words), value)).toBe(true);
          map.set(words.join('-'), value);
        }
        expect(table.size).toBe(map.size);
        for (const [words] of entries) expect(table.get(Uint32Array.from(words))).toBe(map.get(words.join('-')));
      },
    ),
  );
});

test('it grows to its bound, keeps what it has, and takes in no more', () => {
  const table = new HashTable(10_000);
  const of = (index: number): Uint32Array =>
    Uint32Array.of(Math.imul(index, 2_654_435_761), Math.imul(index, 2_246_822_519), 7, index);
  for (let index = 0; index < 10_000; index += 1) expect(table.set(of(index), index)).toBe(true);
  expect(table.set(of(10_000), 1)).toBe(false);
  expect(table.get(of(10_000))).toBeUndefined();
  expect(table.set(of(5), 55)).toBe(true);
  for (let index = 0; index < 10_000; index += 1) expect(table.get(of(index))).toBe(index === 5 ? 55 : index);
});
