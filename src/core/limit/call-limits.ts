/**
 * Caps on what a key or a project may ask for; each is a whole number from 1, and one that is left out does not bound. They bound what
 * goes to providers: answers from the cache and shared answers take nothing.
 * @public
 */
export interface CallLimits {
  /** Calls at a time. */
  readonly maxConcurrent?: number | undefined;
  /** Calls a minute; as many may come at once after a quiet minute. */
  readonly requestsPerMinute?: number | undefined;
  /** Tokens a minute, in and out; estimated when the call comes, corrected when its answer is over. */
  readonly tokensPerMinute?: number | undefined;
}
