import type { CallRecord } from '../core/model/charge.ts';
import { formatTarget } from '../core/model/target.ts';
import { NO_USAGE } from '../core/model/usage.ts';
import type { Call } from '../middleware/compose.ts';
import type { CallMoney } from './call-money.ts';

/** How a call ended, for its record. @internal */
export interface CallEnd {
  /** `complete`, `provider-error`, `broken`, `client-left`, or the code of the error that refused it. */
  readonly outcome: string;
  readonly money: CallMoney;
  /** Monotonic. */
  readonly endedAt: number;
}

/** The record of a call that is over. @internal */
export function callRecord(call: Call, end: CallEnd): CallRecord {
  const { state } = call;
  const { savings, costNanoUsd } = end.money;
  const missed = state.missedBy !== undefined && costNanoUsd !== undefined && end.outcome === 'complete';
  return {
    callId: call.id,
    atMs: call.arrivedAtMs,
    project: call.caller.project,
    keyId: call.caller.keyId,
    tags: state.tags,
    endpoint: call.endpoint,
    modelAsked: state.plan?.asked ?? state.shape?.model ?? '',
    target: state.answer === undefined ? undefined : formatTarget(state.answer.target),
    servedModel: state.answer?.servedModel,
    isStream: state.shape?.isStream ?? false,
    status: state.status,
    outcome: end.outcome,
    cacheStatus: state.cacheStatus,
    usage: state.answer?.usage ?? state.spending.charges.at(-1)?.usage ?? NO_USAGE,
    costNanoUsd,
    baselineNanoUsd: savings?.baselineNanoUsd,
    savedNanoUsd: savings?.savedNanoUsd,
    savedParts: savings?.parts,
    isEstimate: end.money.isEstimate,
    missedByMode: missed && state.missedBy !== undefined ? { mode: state.missedBy, nanoUsd: costNanoUsd } : undefined,
    attempts: state.spending.attempts,
    durationMs: Math.round((end.endedAt - call.arrivedAt) * 1000) / 1000,
    firstByteMs:
      state.firstByteAt === undefined ? undefined : Math.round((state.firstByteAt - call.arrivedAt) * 1000) / 1000,
    decisions: state.decisions,
    route: state.plan?.route,
  };
}
