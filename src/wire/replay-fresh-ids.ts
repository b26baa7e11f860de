const DASH = 0x2d;
const UNDERSCORE = 0x5f;

/**
 * A copy of a stored body with a fresh id in the given ranges. Every id keeps its length and its prefix up to the first `-` or `_` (`chatcmpl-`,
 * `msg_`); the rest is filled from `newIdHex`, repeated where it is short. Ranges of one length and prefix so get the same id. Linear.
 * @param idRanges - as `replayMarks` gives them.
 * @param newIdHex - letters and digits, at least one.
 * @throws RangeError when `newIdHex` holds anything else.
 * @public
 */
export function withFreshIds(body: Uint8Array, idRanges: readonly number[], newIdHex: string): Uint8Array {
  if (!/^[A-Za-z0-9]+$/.test(newIdHex)) throw new RangeError('a fresh id needs letters and digits');
  const copy = body.slice();
  for (let index = 0; index + 1 < idRanges.length; index += 2) {
    fill(copy, idRanges[index] ?? 0, idRanges[index + 1] ?? 0, newIdHex);
  }
  return copy;
}

function fill(bytes: Uint8Array, start: number, end: number, text: string): void {
  let from = start;
  while (from < end && bytes[from] !== DASH && bytes[from] !== UNDERSCORE) from += 1;
  // An id that is all prefix, or has none, is replaced as a whole.
  from = from + 1 >= end ? start : from + 1;
  for (let at = from; at < end; at += 1) bytes[at] = text.charCodeAt((at - from) % text.length);
}
