import snapshot from './data/price-snapshot.json' with { type: 'json' };
import type { PriceBook } from './price-book.ts';
import { readPriceBook } from './price-book-format.ts';

let book: PriceBook | undefined;

/**
 * The price book that comes with this version: list prices of OpenAI, Anthropic, Google, DeepSeek, Mistral, xAI and Groq, each with
 * its source and the day on which it was read. Made by `scripts/generate-price-snapshot.mjs`.
 * @public
 */
export function shippedPriceBook(): PriceBook {
  book ??= readPriceBook(snapshot);
  return book;
}
