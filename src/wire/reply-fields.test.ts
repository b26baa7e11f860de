import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8Bytes } from './reply-fields.ts';

test('a text counts the bytes that it is encoded to', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).byteLength);
    }),
  );
});

test('a text cut anywhere, inside a character too, counts the same in its pieces', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, at) => {
      const cut = text.length === 0 ? 0 : at % text.length;
      expect(utf8Bytes(text.slice(0, cut)) + utf8Bytes(text.slice(cut))).toBe(utf8Bytes(text));
    }),
  );
});
