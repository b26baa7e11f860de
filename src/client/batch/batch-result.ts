import type { FarthingError } from '../../core/errors.ts';
import type { Usage } from '../../core/model/usage.ts';

/** An item that was answered. @public */
export interface BatchAnswer {
  readonly kind: 'answer';
  /** The item's place in the input, from 0. */
  readonly index: number;
  /** The item's own id or custom id; undefined where it has none. */
  readonly id: string | undefined;
  /** The answer's text; empty for embeddings, and for answers that are tool calls alone. */
  readonly content: string;
  /** The whole answer as the provider gave it, parsed. */
  readonly body: unknown;
  /** `provider/model` that answered. */
  readonly model: string;
  readonly usage: Usage;
  /** Decimal dollars; `0.00` for a repeat, whose answer was paid for once. Undefined: the model has no price. */
  readonly costUsd: string | undefined;
  /** What was saved against asking the provider directly; negative when money was lost. */
  readonly savedUsd: string | undefined;
  /** Whether the response cache had it. */
  readonly fromCache: boolean;
  /** Whether an equal item stands before it in the run, so that its answer is that one's. */
  readonly isRepeat: boolean;
  /** Whether it was answered before the run was taken up again. */
  readonly isResumed: boolean;
  readonly callId: string;
}

/** An item without an answer. @public */
export interface BatchFailure {
  readonly kind: 'error';
  readonly index: number;
  readonly id: string | undefined;
  readonly error: FarthingError;
  /** What the provider said, parsed where it is JSON; undefined when it was not asked or said nothing. It may quote the prompt. */
  readonly body: unknown;
  /** What it cost all the same: an answer that broke off. Undefined: not known. */
  readonly costUsd: string | undefined;
  readonly isRepeat: boolean;
  /** Undefined: it was never asked. */
  readonly callId: string | undefined;
}

/** What came of an item: an answer or an error, never an error's text in the place of an answer. @public */
export type BatchResult = BatchAnswer | BatchFailure;
