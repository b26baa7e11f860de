import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { integerBetween, logNormal, pick, popularIndex, sigmaOf } from './chance.ts';
import { cutToBytes, prose } from './prose.ts';
import { schemaSample } from './schema-sample.ts';
import { seededRandom } from './seeded-random.ts';

function drawAll(seed: number): readonly unknown[] {
  const random = seededRandom(seed);
  return [random.fraction(), random.hex(12), integerBetween(random, 1, 6), prose(random, 100)];
}

test('seeded chance: one seed is one run', () => {
  expect(drawAll(7)).toEqual(drawAll(7));
  expect(drawAll(7)).not.toEqual(drawAll(8));
});

test('seeded chance: fractions are spread evenly over [0, 1)', () => {
  const random = seededRandom(3);
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const tenth = Math.floor(random.fraction() * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  expect(tenths).toHaveLength(10);
  for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('seeded chance: a skewed number keeps its median and its 95th percentile', () => {
  const random = seededRandom(5);
  const draws = Array.from({ length: 20_000 }, () => logNormal(random, 129, sigmaOf(129, 451))).toSorted(
    (a, b) => a - b,
  );
  expect((draws[10_000] ?? 0) / 129).toBeCloseTo(1, 1);
  expect((draws[19_000] ?? 0) / 451).toBeCloseTo(1, 1);
});

test('seeded chance: popular indices stay in range and the first is the most frequent', () => {
  const random = seededRandom(9);
  const counts = Array.from({ length: 20 }, () => 0);
  for (let draw = 0; draw < 5000; draw += 1) {
    const index = popularIndex(random, 20);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  expect(counts).toHaveLength(20);
  expect(Math.max(...counts)).toBe(counts[0]);
});

test('seeded chance: nothing can be picked from nothing', () => {
  expect(() => pick(seededRandom(1), [])).toThrow(RangeError);
});

test('a text is cut at the last whole character that fits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, sizeBytes) => {
      const cut = cutToBytes(text, sizeBytes);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(sizeBytes);
      expect(text.startsWith(cut)).toBe(true);
      const next = String.fromCodePoint(text.codePointAt(cut.length) ?? 0);
      expect(cut === text || Buffer.byteLength(cut + next) > sizeBytes).toBe(true);
    }),
  );
});

test('a sample fits its schema', () => {
  const schema = {
    type: 'object',
    properties: {
      kind: { enum: ['a', 'b'] },
      count: { type: 'integer', minimum: 3, maximum: 5 },
      done: { type: 'boolean' },
      parts: { type: 'array', items: { $ref: '#/$defs/part' } },
      note: { anyOf: [{ type: 'null' }, { type: 'string' }] },
    },
    $defs: { part: { type: 'object', properties: { name: { type: 'string' }, fixed: { const: 4 } } } },
  };
  for (let seed = 0; seed < 20; seed += 1) {
    expect(schemaSample(schema, seededRandom(seed))).toEqual({
      kind: expect.stringMatching(/^[ab]$/),
      count: expect.toSatisfy((count: number) => Number.isInteger(count) && count >= 3 && count <= 5),
      done: expect.any(Boolean),
      parts: expect.toSatisfy((parts: { name: unknown; fixed: unknown }[]) =>
        parts.every((part) => typeof part.name === 'string' && part.fixed === 4),
      ),
      note: null,
    });
  }
});
