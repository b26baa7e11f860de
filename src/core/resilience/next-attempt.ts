import { backoffMs, type BackoffOptions } from '../backoff.ts';
import type { FailureKind } from './failure.ts';
import type { HealthState } from './target-health.ts';

/** One target of a call, as the choice of the next attempt sees it. @public */
export interface Candidate {
  readonly state: HealthState;
  /** Attempts that this call has made there. */
  readonly visits: number;
  /** Whether this call has no use for it any more: it refused, was silent, or cannot take the request. */
  readonly isSpent: boolean;
  /** Whether retries on it are within its share of calls. */
  readonly mayRetry: boolean;
}

/** How the last attempt of a call failed. @public */
export interface LastFailure {
  /** Which candidate it was. */
  readonly index: number;
  readonly kind: FailureKind;
  /** For how long the provider wants to be left alone, in milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
}

/** What is done next with a call. `stop` names why nothing more is tried. @public */
export type NextAttempt =
  | { readonly kind: 'attempt'; readonly index: number; readonly waitMs: number; readonly isRetry: boolean }
  | { readonly kind: 'stop'; readonly reason: 'resting' | 'not-retryable' | 'spent' };

/** Bounds of what is tried. @public */
export interface AttemptPolicy {
  /** Further attempts of one call on the same target. */
  readonly retries: number;
  /** Whether other targets are asked once these have failed: then a pause must be as short as between targets of one call. @defaultValue false */
  readonly mayMoveOn?: boolean;
}

/** First and longest pause before a retry: the first try after a blip comes at once, half a second on average is the most that a second one costs. Our choice. */
const RETRY_BACKOFF: BackoffOptions = { baseMs: 250, capMs: 2000 };

/** Longest pause that a provider may ask for and gets, in milliseconds: beyond it the caller knows better whether it wants to wait. */
export const MAX_RETRY_AFTER_MS: number = 10_000;

/** A pause that is taken although another target is at hand, in milliseconds: moving on loses the provider's cached prefix. */
const PATIENCE_MS = 1000;

const STATE_RANK: Readonly<Record<HealthState, number>> = { good: 0, probe: 0, degraded: 1, down: 2 };

/**
 * Chooses where a call is tried first, or next. A target that may succeed is tried again while its retry budget and the call's own retries last and
 * the pause is short; else the call moves on to the next target, and comes back to earlier ones when no untried one is left. Targets that rest are
 * passed over; those that are merely degraded are a last resort.
 * @param fraction - chance, in [0, 1), for the pause.
 * @public
 */
export function nextAttempt(
  candidates: readonly Candidate[],
  last: LastFailure | undefined,
  policy: AttemptPolicy,
  fraction: number,
): NextAttempt {
  if (last === undefined) {
    const first = bestOf(candidates, undefined, policy);
    return first === undefined ? { kind: 'stop', reason: 'resting' } : attempt(first, 0, false);
  }
  if (last.kind === 'wrong') return { kind: 'stop', reason: 'not-retryable' };
  const next = bestOf(candidates, last.index, policy);
  const here = candidates[last.index];
  const pauseMs = retryPauseMs(last, here?.visits ?? 0, fraction);
  if (here !== undefined && pauseMs !== undefined && mayStay(here, policy)) {
    const isAlone = next === undefined && policy.mayMoveOn !== true;
    const isHealthy = here.state === 'good';
    if (isAlone || (isHealthy && pauseMs <= PATIENCE_MS)) return attempt(last.index, pauseMs, true);
  }
  if (next === undefined) return { kind: 'stop', reason: 'spent' };
  // A target that failed this call before gets a moment, a new one is asked at once.
  const visits = candidates[next]?.visits ?? 0;
  return attempt(next, visits === 0 ? 0 : backoffMs(visits, RETRY_BACKOFF, fraction), false);
}

function attempt(index: number, waitMs: number, isRetry: boolean): NextAttempt {
  return { kind: 'attempt', index, waitMs, isRetry };
}

function mayStay(here: Candidate, { retries }: AttemptPolicy): boolean {
  return !here.isSpent && here.visits <= retries && here.mayRetry && here.state !== 'down';
}

/** The pause before the same target is asked again; undefined where that is of no use. */
function retryPauseMs(last: LastFailure, visits: number, fraction: number): number | undefined {
  if (last.kind !== 'transient' && last.kind !== 'limited') return undefined;
  const ownMs = backoffMs(Math.max(1, visits), RETRY_BACKOFF, fraction);
  if (last.retryAfterMs === undefined) return ownMs;
  return last.retryAfterMs > MAX_RETRY_AFTER_MS ? undefined : Math.max(last.retryAfterMs, ownMs);
}

/** The least tried of the best candidates but one, in the order of the plan. */
function bestOf(
  candidates: readonly Candidate[],
  except: number | undefined,
  policy: AttemptPolicy,
): number | undefined {
  let best: number | undefined;
  let bestRank = Infinity;
  for (const [index, { state, visits, isSpent }] of candidates.entries()) {
    if (index === except || isSpent || state === 'down' || visits > policy.retries) continue;
    const rank = visits * 3 + STATE_RANK[state];
    if (rank < bestRank) {
      best = index;
      bestRank = rank;
    }
  }
  return best;
}
