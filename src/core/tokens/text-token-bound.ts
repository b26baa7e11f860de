/** Runs of one character longer than this are one token in o200k, but may be many in other vocabularies. */
const SHORT_RUN = 3;

/** English has some 4 characters a token everywhere. Where o200k has longer tokens, as for Latin, other vocabularies may not have them. */
const FEWEST_CHARACTERS = 2.5;

/**
 * The most tokens that another vocabulary makes of a text, known its count in a public one. English words come to much the same everywhere, so there a
 * factor holds; what vocabularies differ in most is counted apart: each byte outside of ASCII, each digit, and each character of a long run.
 *
 * No vocabulary makes more tokens than bytes, also of what it brings to a normal form first.
 * @param tokens - the text's count.
 * @internal
 */
export function textTokenBound(text: string, tokens: number, worstTextFactor: number): number {
  let extra = 0;
  let run = 0;
  let asciiBytes = 0;
  let previous = -1;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    run = code === previous ? run + 1 : 0;
    previous = code;
    if (code > 0x7f) continue;
    asciiBytes += 1;
    if (run >= SHORT_RUN || (code >= 0x30 && code <= 0x39)) extra += 1;
  }
  const foreignBytes =
    asciiBytes === text.length ? 0 : Math.max(utf8Bytes(text), utf8Bytes(text.normalize('NFKC'))) - asciiBytes;
  const words = Math.max(worstTextFactor * tokens, asciiBytes / FEWEST_CHARACTERS);
  return Math.min(asciiBytes + foreignBytes, Math.ceil(words) + extra + foreignBytes);
}

/** A half of a surrogate pair that stands alone is written as three bytes. */
function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.codePointAt(index) ?? 0;
    if (code > 0xffff) index += 1;
    bytes += code > 0xffff ? 4 : code > 0x7ff ? 3 : code > 0x7f ? 2 : 1;
  }
  return bytes;
}
