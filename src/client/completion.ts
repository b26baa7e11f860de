import { type ErrorCode, FarthingError } from '../core/errors.ts';
import type { AttemptKind, CallRecord } from '../core/model/charge.ts';
import type { Decision } from '../core/model/decision.ts';
import { inputTokensOf, outputTokensOf } from '../core/model/usage.ts';
import { formatUsd } from '../core/money.ts';
import { answerTexts } from '../wire/answer-texts.ts';
import { CollectingSink } from './collecting-sink.ts';
import type { Farthing } from './create-farthing.ts';

/** A completion and what it cost. @public */
export interface Completion {
  readonly content: string;
  /** `provider/model` that answered. */
  readonly model: string;
  readonly fromCache: boolean;
  /** Decimal dollars without loss; undefined for a model without a price. */
  readonly costUsd: string | undefined;
  /** What was saved against asking the provider directly; negative when money was lost. */
  readonly savedUsd: string | undefined;
  readonly tokens: { readonly input: number; readonly output: number };
  readonly decisions: readonly Decision[];
  readonly callId: string;
}

/** One whole completion to make. @internal */
export interface CompletionRequest {
  /** How its charges are named in the ledger. */
  readonly kind: AttemptKind;
  readonly endpoint: 'chat' | 'messages';
  /** The JSON body. */
  readonly body: unknown;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** @defaultValue never fires */
  readonly signal: AbortSignal | undefined;
}

/** A completion with what its faces need beside it. @internal */
export interface CompletedCall {
  readonly completion: Completion;
  /** The reply, parsed. */
  readonly reply: unknown;
}

/** How a call may end that the engine did not refuse itself. */
const ENDINGS: ReadonlySet<string> = new Set(['complete', 'provider-error', 'broken', 'refused']);

/**
 * Makes one whole completion through an engine.
 * @param onRecord - hears the call's record, also when the call failed; not when the caller left before there was a reply.
 * @throws FarthingError with the code of the engine's refusal, else `provider-failed` with the provider's status.
 * @internal
 */
export async function complete(
  farthing: Pick<Farthing, 'handle' | 'callRecord'>,
  request: CompletionRequest,
  onRecord?: (record: CallRecord) => void,
): Promise<CompletedCall> {
  const sink = new CollectingSink();
  const { kind, endpoint, headers } = request;
  const body = new TextEncoder().encode(JSON.stringify(request.body));
  await farthing.handle(
    { kind, endpoint, body, headers, signal: request.signal ?? new AbortController().signal },
    sink,
  );
  const callId = sink.headers['x-farthing-request-id'] ?? '';
  const record = await farthing.callRecord(callId);
  if (record !== undefined) onRecord?.(record);
  if (record === undefined || sink.status >= 300 || record.outcome !== 'complete') {
    throw callFailure(callId, sink.status, request.signal?.aborted === true ? 'client-left' : record?.outcome);
  }
  const reply: unknown = JSON.parse(sink.text());
  return { reply, completion: completionOf(endpoint, reply, record) };
}

/** The error of a call that got no answer. The provider's own message stays out: it may quote the prompt. @internal */
export function callFailure(callId: string, status: number, outcome: string | undefined): FarthingError {
  const isRefusal = outcome !== undefined && !ENDINGS.has(outcome);
  const code = isRefusal ? (outcome as ErrorCode) : 'provider-failed';
  return new FarthingError(code, `the call ${callId} got no answer (${outcome ?? 'no record'}, status ${status})`, {
    status,
    retryable: status === 429 || status >= 500,
  });
}

function completionOf(endpoint: 'chat' | 'messages', reply: unknown, record: CallRecord): Completion {
  return {
    content: answerTexts(endpoint, reply)[0] ?? '',
    model: record.target ?? record.modelAsked,
    fromCache: record.cacheStatus === 'hit' || record.cacheStatus === 'stale',
    costUsd: record.costNanoUsd === undefined ? undefined : formatUsd(record.costNanoUsd),
    savedUsd: record.savedNanoUsd === undefined ? undefined : formatUsd(record.savedNanoUsd),
    tokens: { input: inputTokensOf(record.usage), output: outputTokensOf(record.usage) },
    decisions: record.decisions,
    callId: record.callId,
  };
}
