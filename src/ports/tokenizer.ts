/** Vocabularies that their makers have published and that are shipped here. @public */
export type TokenEncoding = 'o200k_base' | 'cl100k_base';

/**
 * Byte-pair encoding over one vocabulary. None of its methods ever throws on any string: lone surrogates count as U+FFFD, as they do when text is
 * sent as UTF-8, and the names of special tokens in a text (`<|endoftext|>`) count as text.
 * @public
 */
export interface Tokenizer {
  readonly encoding: TokenEncoding;
  /** The ids, as `tiktoken` gives them with special tokens off. Linear or n log n in the text, whatever it holds; runs at once, so mind its length. */
  encode(text: string): number[];
  /** As many as `encode` gives, without making them. Some 10 MB a second: call `countInTurns` for long texts. */
  count(text: string): number;
  /**
   * As `count`, giving the event loop a turn at least every 20 ms or so, also within one unbroken word of a megabyte.
   * @throws the signal's reason when it fires.
   */
  countInTurns(text: string, signal?: AbortSignal): Promise<number>;
}
