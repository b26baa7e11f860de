import { FarthingError } from './errors.ts';
import type { PriceBook } from './price-book.ts';
import { readPriceBook } from './price-book-format.ts';

/**
 * Reads a price feed that was pinned by its hash. A feed whose text is not the one that was pinned is refused whole: prices never
 * change behind the operator's back.
 *
 * @param sha256Pinned - SHA-256 of the text in lower-case hex.
 * @param sha256 - The hash function, handed in since the core has none.
 * @throws FarthingError `configuration` when the hash differs or the text is not a price book.
 * @public
 */
export function feedPrices(text: string, sha256Pinned: string, sha256: (text: string) => string): PriceBook {
  const actual = sha256(text);
  if (actual !== sha256Pinned) {
    throw new FarthingError(
      'configuration',
      `price feed: its hash is ${actual}, pinned is ${sha256Pinned}; run farthing prices update`,
    );
  }
  return readFeed(text);
}

/**
 * Reads the text of a feed without a pin: what `farthing prices update` does before it pins.
 * @throws FarthingError `configuration` when the text is not a price book.
 * @public
 */
export function readFeed(text: string): PriceBook {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FarthingError('configuration', 'price feed: not JSON', { cause });
  }
  return readPriceBook(value);
}
