import type { Target } from '../../core/model/target.ts';
import { type FailureFacts, failureKind, type FailureKind } from '../../core/resilience/failure.ts';
import { retryAfterMs } from '../../core/resilience/retry-after.ts';
import type { Outcome } from '../compose.ts';
import type { ReplyGate } from './reply-gate.ts';

/** How one attempt of a call ended. @internal */
export interface AttemptEnd {
  readonly target: Target;
  /** Which of the call's candidates it was made at. */
  readonly index: number;
  readonly keyIndex: number;
  readonly outcome: Outcome;
  /** What the reply came to; undefined when a step of ours refused the attempt. */
  readonly gate: ReplyGate;
  /** Undefined for an answer. `left`: nobody waited any more. */
  readonly failure: FailureKind | 'left' | undefined;
  readonly retryAfterMs: number | undefined;
}

/** What a failed attempt is called in decisions and events: `status-429`, `provider-timeout`. @internal */
export function failureReason({ gate, outcome }: Pick<AttemptEnd, 'gate' | 'outcome'>): string {
  if (gate.error !== undefined) return gate.error.code;
  const status = gate.upstreamHead?.status;
  if (status !== undefined && status >= 300) return `status-${status}`;
  return outcome.facts?.error === undefined ? outcome.kind : 'error-in-reply';
}

/** What an attempt's outcome means. @internal */
export function failureOf(
  outcome: Outcome,
  gate: ReplyGate,
  nowMs: number,
): Pick<AttemptEnd, 'failure' | 'retryAfterMs'> {
  if (outcome.kind === 'complete') return { failure: undefined, retryAfterMs: undefined };
  const { error, upstreamHead } = gate;
  if (outcome.kind === 'client-left') return { failure: 'left', retryAfterMs: undefined };
  const facts: FailureFacts = {
    status: upstreamHead?.status,
    code: error?.code,
    mayPass: error?.retryable === true,
    error: outcome.facts?.error,
  };
  return {
    failure: failureKind(facts),
    retryAfterMs: upstreamHead === undefined ? undefined : retryAfterMs(upstreamHead.headers, nowMs),
  };
}
