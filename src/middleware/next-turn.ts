/** Bodies from this size on can keep one step busy for tens of milliseconds, in bytes. */
const LARGE_BODY_BYTES = 100_000;

/**
 * Lets other calls have a turn before the next step over a large body: each of them (decoding, the key, the bound) may take long by itself, and all of them
 * in a row would hold everybody up. Undefined for bodies whose steps take no time to speak of.
 * @internal
 */
export function nextTurn(body: Uint8Array): Promise<void> | undefined {
  if (body.byteLength < LARGE_BODY_BYTES) return undefined;
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
