import { inputTokensOf, type Usage } from './model/usage.ts';
import type { PromptCacheRegime } from './model-catalogue.ts';

/** Life of Anthropic's one-hour writes (`ttl: "1h"`), in milliseconds. */
const HOUR_MS = 3_600_000;

/** Fresh buckets in the order in which what is not cached stays in them, each with where its cached part is counted. */
const FRESH_BUCKETS = [
  ['input', 'cacheRead'],
  ['inputImage', 'cacheReadImage'],
  ['inputAudio', 'cacheReadAudio'],
  ['inputVideo', 'cacheReadVideo'],
] as const;

/** Everything up to the last step moves to cache reads; the last token is always computed anew. */
function implicitRepeat(usage: Usage, regime: PromptCacheRegime): Usage {
  const promptTokens = inputTokensOf(usage);
  const writes = usage.cacheWrite5m + usage.cacheWrite30m + usage.cacheWrite1h;
  const freshTokens = writes + usage.input + usage.inputImage + usage.inputAudio + usage.inputVideo;
  const cachedTokens = Math.max(0, Math.floor((promptTokens - 1) / regime.stepTokens) * regime.stepTokens);
  let uncached = Math.min(freshTokens, promptTokens - cachedTokens);
  const moved = { ...usage, input: usage.input + writes, cacheWrite5m: 0, cacheWrite30m: 0, cacheWrite1h: 0 };
  for (const [fresh, cached] of FRESH_BUCKETS) {
    const stays = Math.min(uncached, moved[fresh]);
    uncached -= stays;
    moved[cached] += moved[fresh] - stays;
    moved[fresh] = stays;
  }
  return moved;
}

/** What was written is read; what was neither written nor read stays fresh, and what is no longer there is written again. */
function explicitRepeat(usage: Usage, regime: PromptCacheRegime, sinceMs: number): Usage {
  if (sinceMs > HOUR_MS) return usage;
  const isShortLifeOver = sinceMs > regime.ttlMs;
  if (isShortLifeOver && usage.cacheWrite1h === 0) return usage;
  const readable = usage.cacheWrite1h + usage.cacheWrite30m + (isShortLifeOver ? 0 : usage.cacheWrite5m);
  return {
    ...usage,
    cacheRead: usage.cacheRead + readable,
    cacheWrite1h: 0,
    cacheWrite30m: 0,
    cacheWrite5m: isShortLifeOver ? usage.cacheWrite5m : 0,
  };
}

/**
 * The usage that a provider would have stated had the same bytes been sent again: cache reads that the caller would have got anyway
 * are not our saving. The input as a whole stays the same; only its buckets change. An estimate by the model's regime, never lower in cache reads
 * than what the provider stated.
 *
 * @param regime - Undefined: the model has no prompt cache, nothing changes.
 * @param sinceSameBytesMs - Since these bytes were last sent, in milliseconds; a prefix that was not used for the regime's life is gone.
 * @public
 */
export function repeatedUsage(usage: Usage, regime: PromptCacheRegime | undefined, sinceSameBytesMs: number): Usage {
  if (regime === undefined) return usage;
  if (regime.kind === 'explicit') return explicitRepeat(usage, regime, sinceSameBytesMs);
  if (sinceSameBytesMs > regime.ttlMs || inputTokensOf(usage) < regime.minimumTokens) return usage;
  return implicitRepeat(usage, regime);
}
