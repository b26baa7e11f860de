import type { Job } from '../../core/model/deferred-call.ts';

/**
 * When a client is told that its call is answered, in milliseconds after that: eight times at the most, within four hours. Ours: soon enough for a receiver that is
 * being restarted, long enough for one that somebody has to mend.
 */
const TELL_AFTER_MS = [0, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000] as const;

/** When it is tried next if it fails now; undefined: never again. Needs no count of tries, so that a start in between changes nothing. @internal */
export function nextTellAtMs(finishedAtMs: number, nowMs: number): number | undefined {
  const afterMs = TELL_AFTER_MS.find((delayMs) => finishedAtMs + delayMs > nowMs);
  return afterMs === undefined ? undefined : finishedAtMs + afterMs;
}

/** Whether a client is to be told now. @internal */
export function isTellDue({ state, call, toldAtMs, leaseUntilMs }: Job, nowMs: number): boolean {
  return state === 'done' && call.webhookUrl !== undefined && toldAtMs === undefined && leaseUntilMs <= nowMs;
}
