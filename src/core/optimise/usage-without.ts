import { inputTokensOf, type Usage, type UsageBucket } from '../model/usage.ts';

/** Tokens that were taken out of a prompt, and where. @public */
export interface RemovedTokens {
  /** Where they stood: the share of the prompt, as it was sent, that is before them, 0..1. */
  readonly atRatio: number;
  readonly tokens: number;
}

/** Where an input token is counted that is in the written part of a prefix: where the longest-lived write was. */
function writeBucket(usage: Usage): UsageBucket {
  if (usage.cacheWrite1h > 0) return 'cacheWrite1h';
  return usage.cacheWrite30m > 0 ? 'cacheWrite30m' : 'cacheWrite5m';
}

/**
 * The usage of the prompt with what was removed still in it. A token that stood in the part that was read from the provider's cache would have been
 * read, too; likewise what was written; all others are plain input. Only input changes: that the answer would have been the same is what the
 * optimiser's levels promise.
 * @public
 */
export function withRemovedTokens(usage: Usage, removed: readonly RemovedTokens[]): Usage {
  const total = inputTokensOf(usage);
  const written = usage.cacheWrite5m + usage.cacheWrite30m + usage.cacheWrite1h;
  const counts = { ...usage };
  for (const { atRatio, tokens } of removed) {
    const position = atRatio * total;
    if (position < usage.cacheRead) counts.cacheRead += tokens;
    else if (position < usage.cacheRead + written) counts[writeBucket(usage)] += tokens;
    else counts.input += tokens;
  }
  return counts;
}

/** The usage had the provider been asked to cache nothing, as by a caller who set no breakpoints: all of it plain input. @public */
export function withoutPromptCache(usage: Usage): Usage {
  const { cacheRead, cacheWrite5m, cacheWrite30m, cacheWrite1h } = usage;
  const cached = cacheRead + cacheWrite5m + cacheWrite30m + cacheWrite1h;
  if (cached === 0) return usage;
  return { ...usage, input: usage.input + cached, cacheRead: 0, cacheWrite5m: 0, cacheWrite30m: 0, cacheWrite1h: 0 };
}

/**
 * The usage had the provider cached the prompt by itself, as OpenAI does where nothing is said: what it had seen of late is read, all the rest is
 * written.
 * @param seenRatio - how much of the prompt, from its beginning, was sent before within the life of the cache, 0..1.
 * @param minimumTokens - shorter prompts are not cached.
 * @public
 */
export function withImplicitCache(usage: Usage, seenRatio: number, minimumTokens: number): Usage {
  const plain = withoutPromptCache(usage);
  const total = inputTokensOf(plain);
  if (total < minimumTokens) return plain;
  const cacheRead = Math.min(plain.input, Math.floor(total * seenRatio));
  return { ...plain, input: 0, cacheRead, cacheWrite30m: plain.input - cacheRead };
}
