import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PRICE_BOOK_FORMAT } from '../core/price-book-format.ts';
import { installPriceFeed, readBookFrom, readPriceFeed } from './price-feed-file.ts';

const TEXT = JSON.stringify({ format: PRICE_BOOK_FORMAT, version: 'feed-1', entries: [] });

let folder: string;
let source: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-feed-'));
  source = join(folder, 'source.json');
  await writeFile(source, TEXT);
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function served(listener: RequestListener): Promise<string> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => {
    started.listen(0, '127.0.0.1', resolve);
  });
  const address = started.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/book.json`;
}

describe('a feed', () => {
  test('is absent until it is installed, then read by its pin', async () => {
    const data = join(folder, 'data');
    expect(await readPriceFeed(data)).toBeUndefined();
    const lock = await installPriceFeed(data, source);
    expect(lock).toMatchObject({ from: source, version: 'feed-1' });
    expect((await readPriceFeed(data))?.version).toBe('feed-1');
  });

  test('that was changed after it was pinned is refused', async () => {
    await installPriceFeed(folder, source);
    await writeFile(join(folder, 'price-feed.json'), TEXT.replace('feed-1', 'feed-2'));
    await expect(readPriceFeed(folder)).rejects.toThrow(/its hash is/);
  });

  test('without a lock is refused', async () => {
    await installPriceFeed(folder, source);
    await rm(join(folder, 'price-feed.lock.json'));
    await expect(readPriceFeed(folder)).rejects.toThrow(/lock\.json is missing or broken/);
  });

  test('that is not a price book changes nothing', async () => {
    await installPriceFeed(folder, source);
    const bad = join(folder, 'bad.json');
    await writeFile(bad, '{"models":[]}');
    await expect(installPriceFeed(folder, bad)).rejects.toThrow(/price book/);
    expect(await readFile(join(folder, 'price-feed.json'), 'utf8')).toBe(TEXT);
  });
});

describe('a price book from an address', () => {
  test('is read', async () => {
    const url = await served((_, reply) => reply.end(TEXT));
    expect((await readBookFrom(url)).book.version).toBe('feed-1');
  });

  test('that answers an error or points elsewhere is refused', async () => {
    const gone = await served((_, reply) => reply.writeHead(404).end('no'));
    await expect(readBookFrom(gone)).rejects.toThrow('answered 404');
    server?.close();
    const moved = await served((_, reply) => reply.writeHead(302, { location: 'http://127.0.0.1:9/' }).end());
    await expect(readBookFrom(moved)).rejects.toThrow('cannot be reached, or redirects');
  });

  test('must be https beyond this machine', async () => {
    await expect(readBookFrom('http://prices.example/book.json')).rejects.toThrow('only https');
    await expect(readBookFrom('http://127.0.0.1.evil.example/book.json')).rejects.toThrow('only https');
  });

  test('a file that is not there is named', async () => {
    await expect(readBookFrom('/no/such/file')).rejects.toThrow('there is no file /no/such/file');
  });
});
