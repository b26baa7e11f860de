/** How a bound on input tokens, made by counting, has held at one target. @public */
export interface BoundRecord {
  /** Prompts, of some length, whose bill stayed within it. */
  readonly held: number;
  /** Whether a bill was ever above it. */
  readonly isBroken: boolean;
}

/** Nothing seen yet. @public */
export const NO_RECORD: BoundRecord = { held: 0, isBroken: false };

/** Shorter prompts prove nothing: constants alone keep them within the bound, whatever tokenizer the provider has. */
const LEAST_TOKENS = 500;
/** So many prompts must have stayed within it before it is relied on. */
const PROVEN_AT = 8;

/** Takes in what a provider billed for a prompt that was bounded. @public */
export function recordBound(record: BoundRecord, boundTokens: number, actualTokens: number): BoundRecord {
  if (actualTokens > boundTokens) return { ...record, isBroken: true };
  return actualTokens < LEAST_TOKENS ? record : { ...record, held: record.held + 1 };
}

/**
 * Whether money may rest on the bound. Which tokenizer a provider has is known from its vendor's name only, and names can be wrong (a proxy, a
 * server that serves another model): so it has to have held a few times, and never to have failed.
 * @public
 */
export function isProven({ held, isBroken }: BoundRecord): boolean {
  return !isBroken && held >= PROVEN_AT;
}
