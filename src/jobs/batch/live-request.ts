import type { HeldMoney } from '../../core/batch/held-money.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { DeferredCall } from '../../core/model/deferred-call.ts';
import type { EngineRequest } from '../../engine/engine-request.ts';

/** How a deferred call is asked live. @internal */
export interface LiveTerms {
  /** Attempts that were numbered before. */
  readonly attempts: number;
  /** What the ledger holds for it. */
  readonly held: HeldMoney | undefined;
  /** The first target is asked for it, by the engine. */
  readonly serviceTier: 'flex' | undefined;
  readonly signal: AbortSignal;
  readonly onRecord: (record: CallRecord) => void;
}

const encoder = new TextEncoder();

/** A deferred call as the engine is asked it now: the caller's own body, and the money and the limits of who made it. @internal */
export function liveRequest(
  call: DeferredCall,
  { attempts, held, serviceTier, signal, onRecord }: LiveTerms,
): EngineRequest {
  const { callId, atMs, endpoint, query, headers, project, keyId, tags, deadlineAtMs } = call;
  return {
    endpoint,
    body: encoder.encode(call.body),
    query,
    headers,
    // Who has a deadline cannot wait behind those that have none.
    caller: { project, keyId, pinnedTags: tags, ...(deadlineAtMs === undefined && { priority: 'batch' as const }) },
    signal,
    resumes: { callId, arrivedAtMs: atMs, serviceTier, attempts, charges: [], held, onRecord },
  };
}
