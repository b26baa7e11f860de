import { GenerationalMap } from '../generational-map.ts';
import type { CacheRatios } from './prefix-block.ts';

/** Where a conversation's prefix is in a provider's cache. @public */
export interface WarmPrefix extends CacheRatios {
  /** `provider/model`. */
  readonly target: string;
  /** Which of the target's keys: caches belong to an account. */
  readonly keyIndex: number;
  /** Tokens that the provider stated as read or written. */
  readonly cachedTokens: number;
  readonly warmUntilMs: number;
  /** The version of the optimiser that made the bytes: another one would make others. */
  readonly optimizerVersion: string;
}

/** What a reply said of a conversation's prefix. @public */
export interface PrefixUsage extends Omit<WarmPrefix, 'cachedTokens' | 'warmUntilMs'> {
  readonly readTokens: number;
  readonly writtenTokens: number;
  /** The life of what was written, in milliseconds; reading starts it anew. */
  readonly ttlMs: number;
}

const MAX_CONVERSATIONS = 50_000;

/**
 * Which conversations have a warm prefix, and where: fed by what providers state, never by what was hoped for.
 * @public
 */
export class WarmPrefixes {
  readonly #prefixes: GenerationalMap<string, WarmPrefix>;

  constructor(maxConversations: number = MAX_CONVERSATIONS) {
    this.#prefixes = new GenerationalMap(maxConversations);
  }

  /** Takes what a reply stated. A reply without cached tokens says that nothing is warm at its target. */
  observe(conversation: string, usage: PrefixUsage, atMs: number): void {
    const { readTokens, writtenTokens, ttlMs, ...where } = usage;
    const cachedTokens = readTokens + writtenTokens;
    const known = this.#prefixes.get(conversation);
    const isElsewhere = known !== undefined && (known.target !== where.target || known.keyIndex !== where.keyIndex);
    // A fallback's cold answer does not cool the prefix that waits at the first target.
    if (cachedTokens === 0 && isElsewhere && known.warmUntilMs > atMs) return;
    this.#prefixes.set(conversation, { ...where, cachedTokens, warmUntilMs: cachedTokens > 0 ? atMs + ttlMs : atMs });
  }

  /** Undefined: nothing of it is known to be cached now. */
  warm(conversation: string, atMs: number): WarmPrefix | undefined {
    const prefix = this.#prefixes.get(conversation);
    return prefix === undefined || prefix.cachedTokens === 0 || prefix.warmUntilMs <= atMs ? undefined : prefix;
  }
}
