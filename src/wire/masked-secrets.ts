/** What stands in place of a secret. */
const MASK = '***';

/** Shorter secrets are not looked for: as a word they could stand anywhere, and nobody is kept out by them. */
const MIN_SECRET_CHARS = 8;

/** How much of a secret in a row tells it: fewer characters may be the prefix that all keys of a provider share. */
const MIN_PIECE_CHARS = 8;

/** Every piece of {@link MIN_PIECE_CHARS} holds one of these that begins at a multiple of its length, so that only those are looked up. */
const GRAM_CHARS = 4;

/** A run by which providers leave out the middle of a key: `sk-ab***************wxyz`, `sk-...wxyz`. */
const ELLIPSIS = /[*•…]+|\.{2,}|[xX]{4,}/g;

/** Characters beside such a run from which on they are taken for the rest of a secret. */
const MIN_REST_CHARS = 3;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Takes secrets out of a text that somebody else wrote; gives the very same bytes when none is in it. @internal */
export type SecretMask = (bytes: Uint8Array) => Uint8Array;

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where a gram stands: in which secret, and from which character on. */
interface GramPlace {
  readonly secret: string;
  readonly at: number;
}

/**
 * Makes a mask for the errors of a provider, which may quote the key that they refuse: `Incorrect API key provided: sk-ab****wxyz`. Masked are each
 * secret whole, any piece of it from eight characters on, and what is left of it around a run of dots or stars; as it is, inside JSON, and
 * percent-encoded. Linear in the text.
 * @param secrets - Keys, and headers or query values that may carry one. Those under eight characters are not looked for.
 * @internal
 */
export function secretMask(secrets: readonly string[]): SecretMask {
  const spellings = new Set(secrets.filter(({ length }) => length >= MIN_SECRET_CHARS).flatMap(spellingsOf));
  if (spellings.size === 0) return (bytes) => bytes;
  const grams = gramsOf(spellings);
  return (bytes) => {
    const text = decoder.decode(bytes);
    const ranges = [...pieceRanges(text, grams), ...restRanges(text, spellings)];
    return ranges.length === 0 ? bytes : encoder.encode(withoutRanges(text, ranges));
  };
}

function spellingsOf(secret: string): readonly string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
}

function gramsOf(secrets: ReadonlySet<string>): ReadonlyMap<string, readonly GramPlace[]> {
  const grams = new Map<string, GramPlace[]>();
  for (const secret of secrets) {
    for (let at = 0; at + GRAM_CHARS <= secret.length; at += 1) {
      const gram = secret.slice(at, at + GRAM_CHARS);
      const places = grams.get(gram);
      if (places === undefined) grams.set(gram, [{ secret, at }]);
      else places.push({ secret, at });
    }
  }
  return grams;
}

/** Pieces of secrets in a text. */
function pieceRanges(text: string, grams: ReadonlyMap<string, readonly GramPlace[]>): readonly Range[] {
  const ranges: Range[] = [];
  let at = 0;
  while (at + GRAM_CHARS <= text.length) {
    const longest = longestPiece(text, at, grams.get(text.slice(at, at + GRAM_CHARS)) ?? []);
    const isPiece = longest.end - longest.start >= MIN_PIECE_CHARS;
    if (isPiece) ranges.push(longest);
    at = isPiece ? longest.end : at + GRAM_CHARS;
  }
  return ranges;
}

/** The longest run around a gram that the text and a secret have in common. */
function longestPiece(text: string, at: number, places: readonly GramPlace[]): Range {
  let longest: Range = { start: at, end: at };
  for (const place of places) {
    let before = 0;
    while (before < place.at && before < at && text[at - before - 1] === place.secret[place.at - before - 1])
      before += 1;
    let behind = GRAM_CHARS;
    while (place.at + behind < place.secret.length && text[at + behind] === place.secret[place.at + behind])
      behind += 1;
    if (before + behind > longest.end - longest.start) longest = { start: at - before, end: at + behind };
  }
  return longest;
}

/** Runs that stand for the middle of a secret, with its beginning before them or its end behind them. */
function restRanges(text: string, secrets: ReadonlySet<string>): readonly Range[] {
  const ranges: Range[] = [];
  for (const { 0: run, index } of text.matchAll(ELLIPSIS)) {
    const after = index + run.length;
    for (const secret of secrets) {
      const before = charsBefore(text, index, secret);
      const behind = charsBehind(text, after, secret);
      if (before + behind > 0) ranges.push({ start: index - before, end: after + behind });
    }
  }
  return ranges;
}

/** How many characters right before `end` are a secret's first. Of more than a piece has, the rest is found as a piece. */
function charsBefore(text: string, end: number, secret: string): number {
  for (let count = Math.min(MIN_PIECE_CHARS, end); count >= MIN_REST_CHARS; count -= 1) {
    if (text.startsWith(secret.slice(0, count), end - count)) return count;
  }
  return 0;
}

/** How many characters from `start` on are a secret's last. */
function charsBehind(text: string, start: number, secret: string): number {
  for (let count = Math.min(MIN_PIECE_CHARS, text.length - start); count >= MIN_REST_CHARS; count -= 1) {
    if (text.startsWith(secret.slice(-count), start)) return count;
  }
  return 0;
}

function withoutRanges(text: string, ranges: readonly Range[]): string {
  let result = '';
  let at = -1;
  for (const { start, end } of ranges.toSorted((left, right) => left.start - right.start)) {
    // What touches the range before is one secret with it.
    if (start > at) result += text.slice(Math.max(at, 0), start) + MASK;
    at = Math.max(at, end);
  }
  return result + text.slice(at);
}
