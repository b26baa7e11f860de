import { FarthingError } from '../../core/errors.ts';
import type { CallLimits } from '../../core/limit/call-limits.ts';
import type { Shortage } from './shared-bucket.ts';

/** Whose limit it is. @internal */
export interface LimitedParty {
  readonly kind: 'key' | 'project';
  readonly name: string;
}

/** For how long a caller at its cap should wait, in milliseconds: when one of its calls ends is not known. */
const CAP_RETRY_MS = 1000;

/**
 * The refusal of a call beyond a concurrency cap.
 * @param cap - fewer than the limit for calls of a batch, which leave some to others.
 * @internal
 */
export function capRefusal(party: LimitedParty, limits: CallLimits, cap: number): FarthingError {
  const calls = cap === limits.maxConcurrent ? 'calls' : 'calls of priority batch';
  const message = `${named(party)} may have ${cap} ${calls} at a time: wait until one of them ends`;
  return new FarthingError('concurrency-limited', message, {
    retryable: true,
    retryAfterMs: CAP_RETRY_MS,
    headers: rateHeaders(limits),
  });
}

/** The refusal of a call beyond a rate. @internal */
export function rateRefusal(
  unit: 'requests' | 'tokens',
  party: LimitedParty,
  limits: CallLimits,
  shortage: Shortage,
  needed: number,
): FarthingError {
  const perMinute = (unit === 'requests' ? limits.requestsPerMinute : limits.tokensPerMinute) ?? 0;
  const needs = unit === 'requests' ? '' : `; this call is estimated at ${needed}`;
  const seconds = Math.max(1, Math.ceil(shortage.waitMs / 1000));
  const message = `${named(party)} may use ${perMinute} ${unit} a minute${needs}: try again in ${seconds} s`;
  return new FarthingError('rate-limited', message, {
    retryable: true,
    retryAfterMs: shortage.waitMs,
    headers: {
      ...rateHeaders(limits),
      [`x-ratelimit-remaining-${unit}`]: String(shortage.remaining),
      [`x-ratelimit-reset-${unit}`]: resetText(((perMinute - shortage.remaining) * 60_000) / perMinute),
    },
  });
}

/** A key's name is its public id; a project's may hold what no header or log line should: it goes into the message quoted. */
function named({ kind, name }: LimitedParty): string {
  return kind === 'key' ? `the key ${name}` : `the project ${JSON.stringify(name)}`;
}

/** The rates that hold, in OpenAI's words. */
function rateHeaders({ requestsPerMinute, tokensPerMinute }: CallLimits): Record<string, string> {
  return {
    ...(requestsPerMinute === undefined ? {} : { 'x-ratelimit-limit-requests': String(requestsPerMinute) }),
    ...(tokensPerMinute === undefined ? {} : { 'x-ratelimit-limit-tokens': String(tokensPerMinute) }),
  };
}

/** When the bucket is full again, as OpenAI writes it: `6m0s`, `1s`, `120ms`. */
function resetText(resetMs: number): string {
  if (resetMs < 1000) return `${Math.ceil(resetMs)}ms`;
  const seconds = Math.ceil(resetMs / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
