/**
 * The billable buckets of a call. They are disjoint: a token is in exactly one of them, so that the sum of
 * bucket times price is the bill. Providers differ (OpenAI's input includes cached tokens, Anthropic's does not,
 * Gemini's output excludes thinking); `usage-codec` normalises.
 * @public
 */
export const USAGE_BUCKETS = [
  'input',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite30m',
  'cacheWrite1h',
  'output',
  'inputAudio',
  'cacheReadAudio',
  'outputAudio',
  'inputImage',
  'cacheReadImage',
  'outputImage',
  'inputVideo',
  'cacheReadVideo',
  'webSearch',
] as const;

/** One billable bucket; all are tokens but `webSearch`, which counts searches. @public */
export type UsageBucket = (typeof USAGE_BUCKETS)[number];

/** Counts by bucket. @public */
export type Usage = Readonly<Record<UsageBucket, number>> & {
  /** The part of `output` that was reasoning: a label, never billed a second time. */
  readonly reasoning: number;
};

/** A usage with nothing in it. @public */
export const NO_USAGE: Usage = Object.freeze({
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite30m: 0,
  cacheWrite1h: 0,
  output: 0,
  inputAudio: 0,
  cacheReadAudio: 0,
  outputAudio: 0,
  inputImage: 0,
  cacheReadImage: 0,
  outputImage: 0,
  inputVideo: 0,
  cacheReadVideo: 0,
  webSearch: 0,
  reasoning: 0,
});

/** A usage from some of its buckets; the others are zero. @public */
export function usageOf(buckets: Partial<Usage>): Usage {
  return { ...NO_USAGE, ...buckets };
}

/** Adds two usages, bucket by bucket. @public */
export function addUsage(left: Usage, right: Usage): Usage {
  const sum: Record<string, number> = { reasoning: left.reasoning + right.reasoning };
  for (const bucket of USAGE_BUCKETS) sum[bucket] = left[bucket] + right[bucket];
  return sum as unknown as Usage;
}

/** All tokens that went in: fresh, read from and written to the provider's cache, of every modality. @public */
export function inputTokensOf(usage: Usage): number {
  return (
    usage.input +
    usage.cacheRead +
    usage.cacheWrite5m +
    usage.cacheWrite30m +
    usage.cacheWrite1h +
    usage.inputAudio +
    usage.cacheReadAudio +
    usage.inputImage +
    usage.cacheReadImage +
    usage.inputVideo +
    usage.cacheReadVideo
  );
}

/** All tokens that came out, reasoning included. @public */
export function outputTokensOf(usage: Usage): number {
  return usage.output + usage.outputAudio + usage.outputImage;
}

/**
 * What besides the counts decides the price: taken from the reply (what was **served**), never from the request.
 * @public
 */
export interface ServedTerms {
  /** `default`, `flex`, `priority`, `batch`, ... in the provider's own word; absent means default. */
  readonly serviceTier?: string;
  /** Anthropic `speed`: `fast` costs more. */
  readonly speed?: string;
  /** Anthropic `inference_geo`: `us` costs more. */
  readonly geo?: string;
  /** What the provider itself says that the call cost, in dollars as a decimal string (OpenRouter `usage.cost`). */
  readonly statedCostUsd?: string;
}
