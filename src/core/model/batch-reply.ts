/** What a provider says is wrong with a batch as a whole, or with a line that made it refuse the whole. @public */
export interface BatchFault {
  /** Of the input file, from 1. Undefined: of no one line. */
  readonly line: number | undefined;
  /** The provider's word. */
  readonly code: string;
  readonly message: string;
}

/** How far a batch is. @public */
export interface BatchStatus {
  readonly state: 'running' | 'cancelling' | 'ended';
  /** Why it ended, the provider's word: `completed`, `expired`, `cancelled`, `failed`. Undefined while it runs. */
  readonly reason: string | undefined;
  /** What the provider says is wrong with the whole of it: {@link faults} in one short text. */
  readonly fault: string | undefined;
  /** @defaultValue none */
  readonly faults?: readonly BatchFault[];
  readonly done: number;
  readonly failed: number;
  /** Where the results are: ids of files, in OpenAI's case. */
  readonly resultIds: readonly string[];
}

/** The result of one line. @public */
export type BatchRow =
  | { readonly customId: string; readonly kind: 'reply'; readonly status: number; readonly body: string }
  /** It was not answered, and cost nothing. */
  | { readonly customId: string; readonly kind: 'expired' | 'cancelled' };
