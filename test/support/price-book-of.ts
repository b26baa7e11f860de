import type { PriceBook } from '../../src/core/price-book.ts';
import { PRICE_BOOK_FORMAT, readPriceBook } from '../../src/core/price-book-format.ts';

/**
 * A price book from entries in the file format, with what a test does not care about filled in.
 * @internal
 */
export function priceBookOf(...entries: readonly Readonly<Record<string, unknown>>[]): PriceBook {
  return readPriceBook({
    format: PRICE_BOOK_FORMAT,
    version: 'test',
    entries: entries.map((entry, index) =>
      Object.assign(
        { id: `test-${index}`, provider: 'openai', source: 'https://prices.example', checkedOn: '2026-11-23' },
        entry,
      ),
    ),
  });
}
