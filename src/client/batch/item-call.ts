import type { PaceNotice } from '../../core/limit/provider-limits.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import { inputTokensOf, outputTokensOf } from '../../core/model/usage.ts';
import { failureKind } from '../../core/resilience/failure.ts';
import { retryAfterMs } from '../../core/resilience/retry-after.ts';
import type { Purse } from '../../middleware/compose.ts';
import type { Clock } from '../../ports/clock.ts';
import { wholeReplyFacts } from '../../wire/reply-whole.ts';
import { CollectingSink } from '../collecting-sink.ts';
import { callFailure } from '../completion.ts';
import type { Farthing } from '../create-farthing.ts';
import type { ItemOutcome } from './item-outcome.ts';
import type { PreparedItem } from './prepared-item.ts';

/** What a run asks of an engine. @public */
export type BatchEngine = Pick<Farthing, 'handle' | 'callRecord' | 'protocolOf'> & Partial<Pick<Farthing, 'batches'>>;

/** How a call of an item is made. @internal */
export interface ItemCallOptions {
  readonly engine: BatchEngine;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly purse: Purse | undefined;
  readonly onPace: (notice: PaceNotice) => void;
  readonly clock: Clock;
}

/** How one call of an item ended. @internal */
export interface ItemCallEnd {
  readonly outcome: ItemOutcome;
  /** Tokens that went in and came out; undefined: no provider answered. */
  readonly usedTokens: number | undefined;
  /** Of these, what came out. */
  readonly outputTokens: number;
  /** Set when it may be asked again after so many milliseconds: somebody's limit, and not the item, is why it has no answer. */
  readonly waitMs: number | undefined;
}

/** A pause where whoever refused names none, in milliseconds. Ours. */
const USUAL_WAIT_MS = 1000;

/** Asks one item once; what the engine does about failures is its own affair. Never rejects, unless the engine cannot be opened. @internal */
export async function callItem(item: PreparedItem, options: ItemCallOptions): Promise<ItemCallEnd> {
  const { engine, headers, signal, purse, onPace, clock } = options;
  const sink = new CollectingSink();
  await engine.handle({ endpoint: item.endpoint, body: item.body, headers, signal, purse, onPace }, sink);
  const callId = sink.headers['x-farthing-request-id'] ?? '';
  const record = await engine.callRecord(callId);
  const body = sink.text();
  if (record === undefined || sink.status >= 300 || record.outcome !== 'complete' || sink.status === 0) {
    return failed(item, { callId, sink, body, record, wasCut: signal.aborted, nowMs: clock.nowMs() });
  }
  const { usage, costNanoUsd, savedNanoUsd, cacheStatus } = record;
  const outcome: ItemOutcome = {
    kind: 'answer',
    body,
    model: record.target ?? record.modelAsked,
    usage,
    costNanoUsd,
    savedNanoUsd,
    fromCache: cacheStatus === 'hit' || cacheStatus === 'stale',
    callId,
  };
  const outputTokens = outputTokensOf(usage);
  return { outcome, usedTokens: inputTokensOf(usage) + outputTokens, outputTokens, waitMs: undefined };
}

interface FailedCall {
  readonly callId: string;
  readonly sink: CollectingSink;
  readonly body: string;
  readonly record: CallRecord | undefined;
  readonly wasCut: boolean;
  readonly nowMs: number;
}

function failed(item: PreparedItem, { callId, sink, body, record, wasCut, nowMs }: FailedCall): ItemCallEnd {
  const error = callFailure(callId, sink.status, wasCut ? 'client-left' : record?.outcome);
  return {
    outcome: {
      kind: 'error',
      error,
      body: body === '' ? undefined : body,
      costNanoUsd: record?.costNanoUsd,
      callId: callId === '' ? undefined : callId,
    },
    usedTokens: undefined,
    outputTokens: 0,
    waitMs: wasCut ? undefined : waitOf(item, sink, body, nowMs),
  };
}

/** Limits pass: those of the provider's account, and our own that say when to come back. */
function waitOf(
  { endpoint }: PreparedItem,
  { status, headers }: CollectingSink,
  body: string,
  nowMs: number,
): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const statedMs = retryAfterMs(headers, nowMs);
  if (status === 429 && isLimit(endpoint, body)) return statedMs ?? USUAL_WAIT_MS;
  // Told not to try again: the engine has, or it is of no use.
  return headers['x-should-retry'] === 'false' ? undefined : statedMs;
}

/** Whether a 429 speaks of a rate, and not of money that is spent. */
function isLimit(endpoint: PreparedItem['endpoint'], body: string): boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return true; // nothing but the status is known
  }
  const { error } = wholeReplyFacts(endpoint, parsed);
  return failureKind({ status: 429, code: undefined, mayPass: false, error }) === 'limited';
}
