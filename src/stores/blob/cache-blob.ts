import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { FarthingError } from '../../core/errors.ts';
import type { CacheEntry } from '../../core/model/cache-entry.ts';

/** What an entry is beside its body; kept as JSON. */
type EntryFacts = Omit<CacheEntry, 'body'>;

/** The format of a blob; blobs of another are misses, so that several versions may share a store while one replaces the other. */
const VERSION = 1;

/** Format, whether compressed, two bytes unused, size of the content and size of the facts in it, 4 bytes each. */
const HEADER_BYTES = 12;

/** Less is stored as it is: compressing it saves nothing worth its time. */
const MIN_COMPRESSED_BYTES = 512;

/** From here on compression runs off the event loop: 64 KB of an answer take some 40 microseconds. */
const MAX_SYNC_BYTES = 65_536;

/**
 * zstd at its fastest: measured on Node 24 with answers of 1 to 80 KB it halves a plain one and shrinks a streamed one to a 27th, as deflate and
 * brotli do, and costs a half to a sixth of their time.
 */
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const compressLater = promisify(zstdCompress);
const decompressLater = promisify(zstdDecompress);

/** How {@link encodeBlob} writes an entry. @internal */
export interface BlobOptions {
  /** Whether the content is compressed where that pays. */
  readonly isCompressed: boolean;
}

/** An entry as one blob: its facts and its body. @internal */
export async function encodeBlob(entry: CacheEntry, { isCompressed }: BlobOptions): Promise<Buffer> {
  const { body, ...facts } = entry;
  const text = Buffer.from(JSON.stringify(facts satisfies EntryFacts));
  const content = Buffer.concat([text, body]);
  const packed = isCompressed ? await compressed(content) : undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = VERSION;
  header[1] = packed === undefined ? 0 : 1;
  header.writeUInt32LE(content.byteLength, 4);
  header.writeUInt32LE(text.byteLength, 8);
  return Buffer.concat([header, packed ?? content]);
}

async function compressed(content: Buffer): Promise<Buffer | undefined> {
  if (content.byteLength < MIN_COMPRESSED_BYTES) return undefined;
  const isSmall = content.byteLength <= MAX_SYNC_BYTES;
  const packed = isSmall ? zstdCompressSync(content, FAST) : await compressLater(content, FAST);
  return packed.byteLength < content.byteLength ? packed : undefined;
}

/**
 * The entry in a blob; undefined when another version wrote it.
 * @throws FarthingError `store-unavailable` when it is damaged.
 * @internal
 */
export async function decodeBlob(blob: Buffer): Promise<CacheEntry | undefined> {
  if (!isLarge(blob)) return decodeBlobNow(blob);
  const maxOutputLength = blob.readUInt32LE(4);
  try {
    return entryOf(blob, await decompressLater(blob.subarray(HEADER_BYTES), { maxOutputLength }));
  } catch (cause) {
    throw damaged(cause);
  }
}

/** As {@link decodeBlob}, without a turn of the event loop: for entries that are peeked at. @internal */
export function decodeBlobNow(blob: Buffer): CacheEntry | undefined {
  if (blob[0] !== VERSION) return undefined;
  try {
    const packed = blob.subarray(HEADER_BYTES);
    const content = blob[1] === 0 ? packed : zstdDecompressSync(packed, { maxOutputLength: blob.readUInt32LE(4) });
    return entryOf(blob, content);
  } catch (cause) {
    throw damaged(cause);
  }
}

/** Whether decompressing it would hold the event loop up. */
function isLarge(blob: Buffer): boolean {
  const isWhole = blob.byteLength >= HEADER_BYTES;
  return isWhole && blob[0] === VERSION && blob[1] !== 0 && blob.readUInt32LE(4) > MAX_SYNC_BYTES;
}

function damaged(cause: unknown): FarthingError {
  return new FarthingError('store-unavailable', 'a cached answer is damaged', { cause });
}

function entryOf(blob: Buffer, content: Buffer): CacheEntry {
  if (content.byteLength !== blob.readUInt32LE(4)) throw new RangeError('cut short');
  const factsBytes = blob.readUInt32LE(8);
  const facts = JSON.parse(content.toString('utf8', 0, factsBytes)) as EntryFacts;
  return {
    ...facts,
    // JSON leaves undefined out; the entry has these fields always.
    servedModel: facts.servedModel,
    costNanoUsd: facts.costNanoUsd,
    body: content.subarray(factsBytes),
  };
}
