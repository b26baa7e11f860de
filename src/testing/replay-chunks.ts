import { seededRandom } from '../simulator/seeded-random.ts';

/**
 * Where the bytes of a replayed reply are cut: nowhere, every so many bytes (1 cuts inside characters), or at random places that
 * a seed decides (1 to 64 bytes apart).
 * @public
 */
export type ReplayChunking =
  | { readonly kind: 'whole' }
  | { readonly kind: 'fixed'; readonly sizeBytes: number }
  | { readonly kind: 'random'; readonly seed: number };

const MAX_RANDOM_BYTES = 64;

/** Cuts bytes into the chunks that a reply is sent in. @public */
export function* replayChunks(bytes: Uint8Array, chunking: ReplayChunking): Generator<Uint8Array> {
  const random = chunking.kind === 'random' ? seededRandom(chunking.seed) : undefined;
  let start = 0;
  while (start < bytes.byteLength) {
    const end = start + sizeOf(bytes, chunking, random?.fraction() ?? 0);
    yield bytes.subarray(start, end);
    start = end;
  }
}

function sizeOf(bytes: Uint8Array, chunking: ReplayChunking, fraction: number): number {
  if (chunking.kind === 'whole') return bytes.byteLength;
  return chunking.kind === 'fixed' ? Math.max(1, chunking.sizeBytes) : 1 + Math.floor(fraction * MAX_RANDOM_BYTES);
}
