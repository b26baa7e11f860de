import * as fc from 'fast-check';

/** Texts of any 16-bit signs, halves of pairs too, and of ordinary ones. `fc.string` knows the former as well, but takes seconds to begin. */
export function anyText(): fc.Arbitrary<string> {
  const signs = fc.array(fc.nat(0xffff), { maxLength: 200 }).map((codes) => String.fromCharCode(...codes));
  return fc.oneof(signs, fc.string({ maxLength: 200 }));
}
