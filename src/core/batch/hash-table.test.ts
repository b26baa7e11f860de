import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HashTable, type HashTableShape } from './hash-table.ts';

const word = fc.oneof(fc.constantFrom(0, 1, 1024, 2048, 0xff_ff_ff_ff), fc.nat());
const hash = fc.tuple(word, word, word, word);

const MAX_VALUES = { 1: 254, 4: 2 ** 32 - 2, 6: 2 ** 47 } as const;

const shape = fc.record<HashTableShape>({
  hashWords: fc.constantFrom(2, 4),
  valueBytes: fc.constantFrom(1, 4, 6),
});

test('it is a map of hashes in each of its shapes, also where their first words collide', () => {
  const entries = fc.array(fc.tuple(hash, fc.oneof(fc.nat(), fc.maxSafeNat())), { maxLength: 300 });
  fc.assert(
    fc.property(shape, entries, (given, list) => {
      const { hashWords, valueBytes } = given;
      const nameOf = (words: readonly number[]): string => words.slice(0, hashWords).join('-');
      const table = new HashTable(given, 1000);
      const map = new Map<string, number>();
      for (const [words, number] of list) {
        const value = number % (MAX_VALUES[valueBytes] + 1);
        expect(table.set(Uint32Array.from(words), value)).toBe(true);
        map.set(nameOf(words), value);
      }
      expect(table.size).toBe(map.size);
      for (const [words] of list) expect(table.get(Uint32Array.from(words))).toBe(map.get(nameOf(words)));
    }),
  );
});

test('it grows to its bound, keeps what it has, and takes in no more', () => {
  const table = new HashTable({ hashWords: 4, valueBytes: 4 }, 10_000);
  const of = (index: number): Uint32Array =>
    Uint32Array.of(Math.imul(index, 2_654_435_761), Math.imul(index, 2_246_822_519), 7, index);
  for (let index = 0; index < 10_000; index += 1) expect(table.set(of(index), index)).toBe(true);
  expect(table.set(of(10_000), 1)).toBe(false);
  expect(table.get(of(10_000))).toBeUndefined();
  expect(table.set(of(5), 55)).toBe(true);
  for (let index = 0; index < 10_000; index += 1) expect(table.get(of(index))).toBe(index === 5 ? 55 : index);
});

test('it is empty once it was cleared, and can be filled again', () => {
  const table = new HashTable({ hashWords: 2, valueBytes: 1 });
  const [one, other] = [Uint32Array.of(1, 2, 3, 4), Uint32Array.of(0xff_00_00_00, 2, 3, 4)];
  table.set(one, 7);
  table.set(other, 8);
  table.clear();
  expect([table.size, table.get(one), table.get(other)]).toEqual([0, undefined, undefined]);
  table.set(one, 9);
  expect([table.size, table.get(one), table.get(other)]).toEqual([1, 9, undefined]);
});
