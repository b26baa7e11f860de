/**
 * Marks in a row from which on the normal form is no longer asked for: they are put in order first, which takes time in the square of their number (a
 * megabyte of them held a process up for minutes). Real text has fewer than 30 (UAX 15, Stream-Safe Text Format).
 */
const LONG_RUN = /[\p{M}\uff9e\uff9f]{32}/u;

/** Longest text whose normal form is asked for, in UTF-16 units: its letters may become 18 times as many. */
const MAX_NORMALIZED_CHARS = 250_000;

/** The most that a letter with marks of its own can lose of what composing it saved, when a mark from beside it comes between (U+1F82). */
const PARTED_BYTES = 5;

/** The most that a character beyond the basic plane becomes: a musical note in three parts. */
const ASTRAL_BYTES = 12;

const ASTRAL_UTF8_BYTES = 4;

const utf8 = new TextEncoder();

/**
 * How many bytes of UTF-8 a text has in the normal form NFKC, at the most. Exact but for texts that are very long or hold many marks in a row: there each
 * character counts by itself, since only the sum of them can be had in linear time.
 * @internal
 */
export function normalBytes(text: string): number {
  if (text.length <= MAX_NORMALIZED_CHARS && !LONG_RUN.test(text)) return bytesOf(text.normalize('NFKC'));
  return boundedBytes(text);
}

function boundedBytes(text: string): number {
  const counts = new Uint32Array(0x10000);
  let sizeBytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.codePointAt(at) ?? 0;
    if (code <= 0xffff) counts[code] = (counts[code] ?? 0) + 1;
    else {
      sizeBytes += isInert(code) ? ASTRAL_UTF8_BYTES : ASTRAL_BYTES + PARTED_BYTES;
      at += 1;
    }
  }
  for (let code = 0; code < counts.length; code += 1) {
    const count = counts[code] ?? 0;
    if (count > 0) sizeBytes += count * bytesOfCode(code);
  }
  return sizeBytes;
}

/** Emoji, and Han beyond the basic plane. */
function isInert(code: number): boolean {
  return (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
}

function bytesOfCode(code: number): number {
  if (code < 0x80) return 1;
  const character = String.fromCharCode(code);
  const normal = character.normalize('NFKC');
  return bytesOf(normal) + (isReordered(normal) ? PARTED_BYTES : 0);
}

/** Whether a mark may change places with another: it moves over the lowest class (U+0334), or the highest (U+0345) over it. */
function isReordered(mark: string): boolean {
  return (
    `${mark}\u0334`.normalize('NFD').startsWith('\u0334') || !`\u0345${mark}`.normalize('NFD').startsWith('\u0345')
  );
}

function bytesOf(text: string): number {
  return utf8.encode(text).byteLength;
}
