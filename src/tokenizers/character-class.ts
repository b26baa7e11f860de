/**
 * What the splitting of a text into pieces knows of a character. `WHITESPACE` is what JavaScript's `\s` matches, less the space and the line ends;
 * `UPPER` is Lu and Lt, `CASELESS` Lm and Lo, `MARK` M, `NUMBER` N; `OTHER` is all else.
 * @internal
 */
export const OTHER = 0;
/** @internal */
export const MARK = 1;
/** @internal */
export const NUMBER = 2;
/** @internal */
export const SPACE = 3;
/** @internal */
export const WHITESPACE = 4;
/** @internal */
export const LINE_END = 5;
/** @internal */
export const UPPER = 6;
/** @internal */
export const CASELESS = 7;
/** @internal */
export const LOWER = 8;

const PATTERNS: readonly (readonly [RegExp, number])[] = [
  [/^ $/u, SPACE],
  [/^[\r\n]$/u, LINE_END],
  [/^\s$/u, WHITESPACE],
  [/^[\p{Lu}\p{Lt}]$/u, UPPER],
  [/^\p{Ll}$/u, LOWER],
  [/^\p{L}$/u, CASELESS],
  [/^\p{M}$/u, MARK],
  [/^\p{N}$/u, NUMBER],
];

/** The class of a code point. Slow: `npm run generate` writes them into tables. @internal */
export function characterClass(codePoint: number): number {
  const text = String.fromCodePoint(codePoint);
  return PATTERNS.find(([pattern]) => pattern.test(text))?.[1] ?? OTHER;
}
