/** How long a batch may take, in milliseconds: both providers promise 24 hours (OpenAI `completion_window`, Anthropic's batch processing guide). @internal */
export const BATCH_WINDOW_MS = 86_400_000;

/** Characters of a custom id at most: Anthropic's bound (batch processing guide); OpenAI states none. @internal */
export const MAX_CUSTOM_ID_CHARS = 64;

/** How far a provider's clock may be behind ours when a batch is looked for, in milliseconds. Ours. */
const CLOCK_MARGIN_MS = 600_000;

/** Whether a batch was made too long ago to be one that was submitted since then; one that does not tell may be it. @internal */
export function isBefore(createdAtMs: number | undefined, sinceMs: number): boolean {
  return createdAtMs !== undefined && createdAtMs < sinceMs - CLOCK_MARGIN_MS;
}
