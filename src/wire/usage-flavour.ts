import type { ServedTerms, Usage } from '../core/model/usage.ts';

/** How a provider words its usage. One flavour, one reader. @public */
export type UsageFlavour =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-embeddings'
  | 'anthropic'
  | 'google'
  | 'groq'
  | 'mistral'
  | 'deepseek';

/** What a usage object says, normalised. @public */
export interface StatedUsage {
  readonly usage: Usage;
  readonly terms: ServedTerms;
}
