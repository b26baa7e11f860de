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

  /** Tokens that a change at this token of the prompt would put out of the cache. */
  cachedTokensBehind(conversation: string, fromToken: number, atMs: number): number {
    return Math.max(0, (this.warm(conversation, atMs)?.cachedTokens ?? 0) - Math.max(0, fromToken));
  }

  /** The optimiser's version for a conversation: the one that made its warm prefix. A cold one takes the newest. */
  optimizerVersion(conversation: string, newest: string, atMs: number): string {
    return this.warm(conversation, atMs)?.optimizerVersion ?? newest;
  }

  /**
   * Which of several equally good targets a conversation should stay at.
   * @param leastTokens - what staying must save, in tokens of uncached input, to outweigh whatever else would choose.
   */
  stickyTarget(
    conversation: string,
    targets: readonly string[],
    leastTokens: number,
    atMs: number,
  ): WarmPrefix | undefined {
    const prefix = this.warm(conversation, atMs);
    if (prefix === undefined || !targets.includes(prefix.target)) return undefined;
    return (prefix.writeRatio - prefix.readRatio) * prefix.cachedTokens >= leastTokens ? prefix : undefined;
  }
}
