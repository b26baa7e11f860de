import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutTrailing } from './without-trailing.ts';

test('the run at the end goes, and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('/', '\n', '\r', 'a', 'é') }), (text) => {
      expect(withoutTrailing(text, '/')).toBe(text.replace(/\/+$/, ''));
      expect(withoutTrailing(text, '\r\n')).toBe(text.replace(/[\r\n]+$/, ''));
    }),
  );
});

test('a long run inside is passed over', () => {
  const text = `${'/'.repeat(1_000_000)}a`;
  expect(withoutTrailing(`${text}//`, '/')).toBe(text);
});
