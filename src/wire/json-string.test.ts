import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { unescaped } from './json-string.ts';

/** A text as JSON may spell it: each character as it is, or as an escape. */
const spelled = fc
  .tuple(fc.string({ unit: 'binary' }), fc.array(fc.boolean(), { minLength: 1 }))
  .map(([text, isEscaped]) =>
    Array.from({ length: text.length }, (_, index) => text.charAt(index))
      .map((unit, index) =>
        isEscaped[index % isEscaped.length] === true
          ? String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0')
          : JSON.stringify(unit).slice(1, -1),
      )
      .join(''),
  );

test('escapes are decoded as JSON.parse decodes them', () => {
  fc.assert(
    fc.property(spelled, (text) => {
      expect(unescaped(`"${text}"`, 1, text.length + 1)).toBe(JSON.parse(`"${text}"`));
    }),
  );
  const simple = String.raw`\"\\\/\b\f\n\r\t\u00E9\uD83d\ude00`;
  expect(unescaped(simple, 0, simple.length)).toBe(JSON.parse(`"${simple}"`));
});

test.each([String.raw`a\x`, String.raw`a\u12`, String.raw`\u12g4`, String.raw`\u`, String.raw`\constructor`])(
  'bad escapes are left as they stand: %s',
  (text) => {
    expect(unescaped(text, 0, text.length)).toBe(text);
  },
);
