import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarthingError } from '../core/errors.ts';
import type { PriceBook } from '../core/price-book.ts';
import { feedPrices, readFeed } from '../core/price-feed.ts';

const FEED_FILE = 'price-feed.json';
const LOCK_FILE = 'price-feed.lock.json';
/** A feed is a few hundred kilobytes; more is not one. */
const MAX_FEED_BYTES = 20_000_000;
const FETCH_TIMEOUT_MS = 30_000;

/** What pins a feed. @internal */
export interface PriceFeedLock {
  readonly sha256: string;
  readonly from: string;
  readonly version: string;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readLock(folder: string): Promise<string> {
  const text = await readIfThere(join(folder, LOCK_FILE));
  const lock: unknown = text === undefined ? undefined : JSON.parse(text);
  if (typeof lock === 'object' && lock !== null && 'sha256' in lock && typeof lock.sha256 === 'string')
    return lock.sha256;
  throw new FarthingError('configuration', `price feed: ${LOCK_FILE} is missing or broken; run farthing prices update`);
}

/**
 * Reads the feed that `farthing prices update` left in a folder, if its hash is still the one that was pinned.
 * @returns undefined when there is no feed.
 * @throws FarthingError `configuration` when the feed was changed, is not a price book, or its lock is gone.
 * @internal
 */
export async function readPriceFeed(folder: string): Promise<PriceBook | undefined> {
  const text = await readIfThere(join(folder, FEED_FILE));
  return text === undefined ? undefined : feedPrices(text, await readLock(folder), sha256);
}

async function fetchText(url: string): Promise<string> {
  // A redirect is refused: it may lead to where the address rule does not hold.
  const reply = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) }).catch(
    (cause: unknown) => {
      throw new FarthingError('configuration', `price feed: ${url} cannot be reached, or redirects`, { cause });
    },
  );
  if (!reply.ok) throw new FarthingError('configuration', `price feed: ${url} answered ${reply.status}`);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of reply.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_FEED_BYTES)
      throw new FarthingError('configuration', `price feed: ${url} is over ${MAX_FEED_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads a price book from a file or an https address, without pinning it.
 * @throws FarthingError `configuration` when it is not a price book.
 * @internal
 */
export async function readBookFrom(from: string): Promise<{ readonly book: PriceBook; readonly text: string }> {
  const isAddress = /^https?:\/\//.test(from);
  if (from.startsWith('http://') && !/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(from)) {
    throw new FarthingError('configuration', 'price feed: only https, since whoever sits between could change prices');
  }
  const text = isAddress ? await fetchText(from) : await readIfThere(from);
  if (text === undefined) throw new FarthingError('configuration', `price feed: there is no file ${from}`);
  return { book: readFeed(text), text };
}

/**
 * Takes a feed into the folder and pins it by its hash. The lock is written first: a crash between the two leaves a feed that is
 * refused, never one that is not pinned.
 * @internal
 */
export async function installPriceFeed(folder: string, from: string): Promise<PriceFeedLock> {
  const { book, text } = await readBookFrom(from);
  const lock: PriceFeedLock = { sha256: sha256(text), from, version: book.version };
  await mkdir(folder, { recursive: true });
  await writeWhole(join(folder, LOCK_FILE), `${JSON.stringify(lock, undefined, 2)}\n`);
  await writeWhole(join(folder, FEED_FILE), text);
  return lock;
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
