interface LearntLimit {
  readonly tokens: number;
  /** Nothing more is tried before, in Unix milliseconds. */
  readonly restsUntilMs: number;
  readonly learntAtMs: number;
}

/** For how long a target is left alone that had no room, in milliseconds. Ours. */
const REST_MS = 60_000;

/** After how long what was learnt is tried again, in milliseconds: a day. Ours: limits grow with what an account has spent. */
const FORGET_MS = 86_400_000;

/** Tokens that providers let be enqueued, as far as their refusals tell. Of this process alone: another one learns it by one refusal, too. @internal */
export class EnqueuedLimits {
  readonly #limits = new Map<string, LearntLimit>();

  /** Notes that a batch was too large beside what was under way. Alone it is tried again; if it was alone, half of it is. */
  note(target: string, refusedTokens: number, otherTokens: number, nowMs: number): void {
    const tokens = otherTokens > 0 ? Math.max(otherTokens, refusedTokens) : Math.max(1, Math.floor(refusedTokens / 2));
    this.#limits.set(target, { tokens, restsUntilMs: nowMs + REST_MS, learntAtMs: nowMs });
  }

  /** Tokens that may be added to what is under way; zero or less: none. @param stated - the operator's word. */
  room(target: string, stated: number | undefined, underWayTokens: number, nowMs: number): number {
    const learnt = this.#limits.get(target);
    if (learnt !== undefined && nowMs >= learnt.learntAtMs + FORGET_MS) this.#limits.delete(target);
    if (learnt !== undefined && nowMs < learnt.restsUntilMs) return 0;
    const limit = Math.min(learnt?.tokens ?? Number.MAX_SAFE_INTEGER, stated ?? Number.MAX_SAFE_INTEGER);
    return limit - underWayTokens;
  }
}
