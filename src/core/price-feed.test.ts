import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { feedPrices, readFeed } from './price-feed.ts';
import { PRICE_BOOK_FORMAT } from './price-book-format.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const TEXT = JSON.stringify({ format: PRICE_BOOK_FORMAT, version: 'feed-1', entries: [] });

test('a feed is read when its hash is the pinned one', () => {
  expect(feedPrices(TEXT, sha256(TEXT), sha256).version).toBe('feed-1');
});

test('a feed with another hash is refused, though it is a price book', () => {
  const changed = TEXT.replace('feed-1', 'feed-2');
  expect(() => feedPrices(changed, sha256(TEXT), sha256)).toThrow(/its hash is .* pinned is .*farthing prices update/);
});

test('a feed that is not JSON is refused by name', () => {
  expect(() => readFeed('<html>')).toThrow('price feed: not JSON');
});
