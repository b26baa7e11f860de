/** How far back a place is looked for from which graphemes can be told; a longer cluster is cut in its middle. */
const MAX_BACK = 512;
/** How far ahead the end of a grapheme is looked for. */
const MAX_AHEAD = 512;
/** How much text behind a place decides whether it is within a grapheme. */
const AHEAD = 64;

let graphemes: Intl.Segmenter | undefined;

/** The last offset up to `at` that does not stand within a grapheme (a character with its marks, an emoji, a flag). @internal */
export function graphemeBorderBefore(text: string, at: number): number {
  if (at <= 0) return 0;
  if (at >= text.length) return text.length;
  if (isPlain(text.charCodeAt(at)) && !isJoining(text, at)) return at;
  const from = safeStart(text, at);
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  const stretch = text.slice(from, Math.min(text.length, at + AHEAD));
  return from + (graphemes.segment(stretch).containing(at - from)?.index ?? 0);
}

/** The first offset from `at` on that does not stand within a grapheme. @internal */
export function graphemeBorderAfter(text: string, at: number): number {
  if (at <= 0) return 0;
  if (at >= text.length || graphemeBorderBefore(text, at) === at) return Math.min(at, text.length);
  const from = safeStart(text, at);
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  const stretch = text.slice(from, Math.min(text.length, at + MAX_AHEAD));
  const found = graphemes.segment(stretch).containing(at - from);
  const end = from + (found === undefined ? stretch.length : found.index + found.segment.length);
  return isLowSurrogate(text.charCodeAt(end)) ? end - 1 : end;
}

/** A character that begins a grapheme wherever it stands, but behind what joins to anything: ASCII, Latin-1, kana, ideographs. */
function isPlain(code: number): boolean {
  if (code < 0x03_00) return code !== 10 && code !== 0xad;
  return (
    (code >= 0x30_41 && code <= 0x30_96) || (code >= 0x30_a0 && code <= 0x30_ff) || (code >= 0x4e_00 && code <= 0x9f_ff)
  );
}

/** Whether what stands before may join to anything: signs that are written before a number (Arabic, Kaithi), joiners. */
function isJoining(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  return before >= 0x06_00 && !isPlain(before);
}

/** The nearest place before from which graphemes can be told. */
function safeStart(text: string, at: number): number {
  const limit = Math.max(0, at - MAX_BACK);
  for (let place = at - 1; place > limit; place -= 1) {
    if (isPlain(text.charCodeAt(place)) && !isJoining(text, place)) return place;
  }
  return limit > 0 && isLowSurrogate(text.charCodeAt(limit)) ? limit - 1 : limit;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc_00 && code <= 0xdf_ff;
}
