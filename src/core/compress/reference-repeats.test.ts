import fc from 'fast-check';
import { expect, test } from 'vitest';
import { referenceRepeats } from './reference-repeats.ts';

const RESULT = 'Contents of the file that a tool has read, long enough that a mark for it is worth its tokens.';
const count = (text: string): number => text.split(/\s+/).length;

test('a result that was there before becomes a mark with its first words, the first one stays', () => {
  const [first, , third] = referenceRepeats([RESULT, 'other', RESULT], count);
  expect(first).toMatchObject({ text: RESULT, steps: [] });
  expect(third?.text).toBe('[same as "Contents of the file that a tool has read, long…" above]');
  expect(third).toMatchObject({
    tokensBefore: 20,
    tokensAfter: 13,
    steps: [{ transform: 'reference-repeats@1', savedTokens: 7 }],
  });
});

test('a result that begins as another does stays', () => {
  expect(referenceRepeats([RESULT, `${RESULT} Changed.`, RESULT], count).map(({ text }) => text)).toEqual([
    RESULT,
    `${RESULT} Changed.`,
    RESULT,
  ]);
});

test('what a text becomes depends on the texts before it alone, and never has more tokens', () => {
  const texts = fc.array(
    fc.constantFrom(RESULT, `${RESULT} Changed.`, RESULT.toUpperCase(), 'short', `{"a": ${'1'.repeat(90)}}`),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(texts, fc.nat({ max: 8 }), (all, length) => {
      const whole = referenceRepeats(all, count);
      expect(referenceRepeats(all.slice(0, length), count)).toEqual(whole.slice(0, length));
      expect(whole.every(({ tokensBefore, tokensAfter }) => tokensAfter <= tokensBefore)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
