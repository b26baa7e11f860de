import { isEscaped } from './json-string.ts';

/** Characters of an escape such as `\ud83d`. */
const ESCAPE_CHARS = 6;

/** Part of every supported Node (ECMAScript 2024), but not of the library that TypeScript checks against. */
interface WellFormedString {
  isWellFormed(): boolean;
}

/**
 * Whether a JSON text has any half of a surrogate pair that may stand alone: raw, which what was decoded from UTF-8 never has, or as an escape. Most texts
 * have neither, so that nothing has to be searched for them.
 * @internal
 */
export function mayHoldSurrogate(text: string): boolean {
  return text.includes('\\ud') || text.includes('\\uD') || !isWellFormed(text);
}

/**
 * Whether a string or key anywhere in a parsed JSON value holds half of a surrogate pair alone. Such a text has no UTF-8: providers refuse it or
 * read it differently, so one cache key could stand for two prompts. Recursive: bound the depth first.
 * @internal
 */
export function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return !isWellFormed(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item !== 'number' && hasLoneSurrogate(item)) return true;
    }
    return false;
  }
  for (const key of Object.keys(value)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.entries would cost twice as much
    if (!isWellFormed(key) || hasLoneSurrogate((value as Record<string, unknown>)[key])) return true;
  }
  return false;
}

/**
 * Offset in a JSON text of half a surrogate pair that stands alone, raw or as an escape; -1 where there is none. Only strings hold backslashes, so
 * the text need not be taken apart.
 * @internal
 */
export function loneSurrogateAt(text: string): number {
  if (!isWellFormed(text)) return text.search(/\p{Surrogate}/u);
  let lower = text.indexOf('\\ud');
  let upper = text.indexOf('\\uD');
  while (lower !== -1 || upper !== -1) {
    const at = lower === -1 || (upper !== -1 && upper < lower) ? upper : lower;
    let next = at + 3;
    if (!isEscaped(text, 0, at)) {
      const half = surrogateAt(text, at);
      if (half === 'low' || (half === 'high' && surrogateAt(text, at + ESCAPE_CHARS) !== 'low')) return at;
      if (half === 'high') next = at + 2 * ESCAPE_CHARS;
    }
    if (lower !== -1 && lower < next) lower = text.indexOf('\\ud', next);
    if (upper !== -1 && upper < next) upper = text.indexOf('\\uD', next);
  }
  return -1;
}

/** Which half of a pair the escape at `offset` stands for. */
function surrogateAt(text: string, offset: number): 'high' | 'low' | undefined {
  if (!text.startsWith('\\u', offset)) return undefined;
  const code = Number.parseInt(text.slice(offset + 2, offset + ESCAPE_CHARS), 16);
  if (code >= 0xd800 && code <= 0xdbff) return 'high';
  return code >= 0xdc00 && code <= 0xdfff ? 'low' : undefined;
}

function isWellFormed(text: string): boolean {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see WellFormedString
  return (text as unknown as WellFormedString).isWellFormed();
}
