import type { FarthingError } from '../../core/errors.ts';
import { addUsd, formatUsd, type NanoUsd, ZERO_USD } from '../../core/money.ts';
import type { Usage } from '../../core/model/usage.ts';
import { answerTexts } from '../../wire/answer-texts.ts';
import type { BatchResult } from './batch-result.ts';
import type { PreparedItem } from './prepared-item.ts';

/** An answer as it is kept. @internal */
export interface KeptAnswer {
  readonly kind: 'answer';
  /** JSON text, as the provider gave it. */
  readonly body: string;
  readonly model: string;
  readonly usage: Usage;
  readonly costNanoUsd: NanoUsd | undefined;
  readonly savedNanoUsd: NanoUsd | undefined;
  readonly fromCache: boolean;
  readonly callId: string;
}

/** Why there is none. @internal */
interface ItemError {
  readonly kind: 'error';
  readonly error: FarthingError;
  /** What was said, as it came. */
  readonly body: string | undefined;
  readonly costNanoUsd: NanoUsd | undefined;
  readonly callId: string | undefined;
}

/** What came of asking. @internal */
export type ItemOutcome = KeptAnswer | ItemError;

/** How an item came by its outcome. @internal */
export interface ItemOrigin {
  readonly isRepeat: boolean;
  readonly isResumed: boolean;
}

/** What of an item is needed when it is over: its prompt is not. @internal */
export type ItemLabel = Pick<PreparedItem, 'index' | 'id' | 'endpoint'>;

/** What the caller of a run is given for an item. @internal */
export function resultOf(label: ItemLabel, outcome: ItemOutcome, { isRepeat, isResumed }: ItemOrigin): BatchResult {
  const { index, id } = label;
  const cost = isRepeat ? ZERO_USD : outcome.costNanoUsd;
  const costUsd = cost === undefined ? undefined : formatUsd(cost);
  const body = parsed(outcome.body);
  if (outcome.kind === 'error') {
    return { kind: 'error', index, id, error: outcome.error, body, costUsd, isRepeat, callId: outcome.callId };
  }
  const saved = isRepeat ? repeatSaving(outcome) : outcome.savedNanoUsd;
  return {
    kind: 'answer',
    index,
    id,
    content: answerTexts(label.endpoint, body)[0] ?? '',
    body,
    model: outcome.model,
    usage: outcome.usage,
    costUsd,
    savedUsd: saved === undefined ? undefined : formatUsd(saved),
    fromCache: outcome.fromCache,
    isRepeat,
    isResumed,
    callId: outcome.callId,
  };
}

/** What asking an answered item again would have cost. @internal */
export function repeatSaving({ costNanoUsd, savedNanoUsd }: KeptAnswer): NanoUsd | undefined {
  return costNanoUsd === undefined || savedNanoUsd === undefined ? undefined : addUsd(costNanoUsd, savedNanoUsd);
}

function parsed(body: string | undefined): unknown {
  if (body === undefined) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body; // an error in plain text
  }
}
