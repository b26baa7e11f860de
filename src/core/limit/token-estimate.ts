import type { Endpoint } from '../model/protocol.ts';
import { inputTokensOf, outputTokensOf, type Usage } from '../model/usage.ts';

/** UTF-8 bytes a token; English prose has 4 to 4.5 on current vocabularies. */
const BYTES_PER_TOKEN = 4;

/** Output of a call that states no limit: most answers are shorter, and what was wrong is put right when the answer is over. */
const USUAL_OUTPUT_TOKENS = 1024;

/**
 * Most tokens that one call counts, estimated or stated: ten times the largest context. A caller may write any output limit, and a
 * debt that no minute could pay would shut out all others.
 */
const MOST_TOKENS = 10_000_000;

/** What is known of a call before it is sent. @internal */
export interface CallSize {
  readonly endpoint: Endpoint;
  readonly bodyBytes: number;
  /** The caller's own limit for one sample. */
  readonly maxOutputTokens: number | undefined;
  readonly samples: number;
}

/** Tokens that a call will use, as far as can be told before: its bytes by four, and its output limit for each sample. @internal */
export function estimatedCallTokens({ endpoint, bodyBytes, maxOutputTokens, samples }: CallSize): number {
  const inputTokens = Math.ceil(bodyBytes / BYTES_PER_TOKEN);
  switch (endpoint) {
    case 'count-tokens':
      return 0; // nothing is generated and nothing billed
    case 'embeddings':
      return inputTokens;
    case 'chat':
    case 'responses':
    case 'messages':
      return Math.min(MOST_TOKENS, inputTokens + samples * (maxOutputTokens ?? USUAL_OUTPUT_TOKENS));
  }
}

/** Tokens that attempts have used: all that went in, from the provider's cache too, and all that came out. @internal */
export function usedTokens(usages: readonly Usage[]): number {
  const sum = usages.reduce((total, usage) => total + inputTokensOf(usage) + outputTokensOf(usage), 0);
  return Math.min(MOST_TOKENS, sum);
}
