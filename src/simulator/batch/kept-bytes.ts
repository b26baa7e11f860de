/**
 * A copy of pieces that is to stay: in memory of its own, since a small buffer out of Node's pool keeps all 8 KB of it (measured: a batch of
 * 50,000 rows held twice its bytes).
 * @internal
 */
export function keptBytes(pieces: readonly Uint8Array[]): Buffer {
  let sizeBytes = 0;
  for (const piece of pieces) sizeBytes += piece.byteLength;
  const kept = Buffer.allocUnsafeSlow(sizeBytes);
  let start = 0;
  for (const piece of pieces) {
    kept.set(piece, start);
    start += piece.byteLength;
  }
  return kept;
}

/** The bytes of a text that is to stay; the text itself would keep all parts that it was put together from. @internal */
export function keptText(text: string): Buffer {
  const kept = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  kept.write(text);
  return kept;
}
