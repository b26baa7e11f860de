/** One block of a request's prompt, in the order in which providers build it: tools, system, messages. @public */
export interface PrefixBlock {
  /** A hash of the whole prompt up to the end of this block, so that equal keys mean equal prefixes. */
  readonly key: string;
  /** Tokens of this block alone. */
  readonly tokens: number;
}

/** What a provider asks for its prompt cache, as multiples of the price of uncached input. @public */
export interface CacheRatios {
  /** 1.25 for Claude's five minutes and GPT-5.6, 2 for Claude's hour, 1 where writing is free. */
  readonly writeRatio: number;
  /** 0.1 for most, 0.025 to 0.5 for some: never assumed, always from the price book. */
  readonly readRatio: number;
}
