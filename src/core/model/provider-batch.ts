import type { QueueName } from './deferred-call.ts';
import type { Protocol } from './protocol.ts';

/**
 * Where a batch is on its way through a provider. Each step is written down before it is taken, so that whoever takes the batch over knows what may have
 * happened: `formed` → `staging` (its file may be at the provider) → `staged` → `submitting` (it may be at the provider) → `submitted` → `ended`
 * (its results are there to be read) → `settled`. From `formed` on it may be `abandoned`: it never reached the provider, and its jobs are waiting again.
 * @public
 */
export type BatchStage =
  | 'formed'
  | 'staging'
  | 'staged'
  | 'submitting'
  | 'submitted'
  | 'ended'
  | 'settled'
  | 'abandoned';

/** What is kept of a batch that a client has made himself. Plain data. @public */
export interface ClientBatch {
  readonly project: string;
  readonly protocol: Protocol;
  /** The provider that it is for. */
  readonly provider: string;
  /** The path that its requests are for, as the client wrote it. */
  readonly endpoint: string;
  /** The file that the client named (OpenAI). Undefined: its requests came with it. */
  readonly inputFileId: string | undefined;
  /** The client's own metadata. Undefined: it gave none. */
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** Rows that were answered from the cache, and are not in what the provider was sent. */
  readonly cachedRows: number;
  /** Tells the request that made it from another one that its client gives the same name (`idempotency-key`). Undefined: it has no name. */
  readonly orderHash?: string | undefined;
}

/** A batch of one queue at a provider. Plain data. @public */
export interface ProviderBatch {
  /** Ours: `fb_` and 16 hexadecimal digits. Names its file, its metadata, and begins every custom id in it. */
  readonly batchId: string;
  readonly queue: QueueName;
  /** The run whose jobs are in it; empty for those of a gateway's clients. */
  readonly run: string;
  readonly stage: BatchStage;
  readonly formedAtMs: number;
  readonly requests: number;
  readonly sizeBytes: number;
  readonly inputTokens: number;
  /** Which of the provider's keys it was sent with: what one key's account holds no other can read. */
  readonly keyIndex: number | undefined;
  /** What staging left at the provider: the id of the input file. */
  readonly stagedId: string | undefined;
  /** When it was last tried to submit it, in Unix milliseconds. */
  readonly submittingAtMs: number | undefined;
  /** The provider's id. */
  readonly providerId: string | undefined;
  readonly submittedAtMs: number | undefined;
  /** When its end was seen, in Unix milliseconds. */
  readonly endedAtMs: number | undefined;
  /** When it is looked at next, in Unix milliseconds. */
  readonly nextAtMs: number;
  /** Failures in a row of the present step, for its backoff. */
  readonly failures: number;
  /** Whether it is to be cancelled. */
  readonly isCancelled: boolean;
  /** What the provider said when it last refused or failed it. */
  readonly fault: string | undefined;
  /** Set for a batch that a client has made himself: it is sent by the process that took it, or not at all. Its rows may be for several targets, of which `queue` names one. */
  readonly client?: ClientBatch | undefined;
}

/** The custom id of a job in a batch: at most 64 of the characters that both providers allow. @public */
export function customIdOf(batchId: string, callId: string): string {
  return `${batchId}-${callId}`;
}

/** The call of a custom id; undefined when it is not of this batch. @public */
export function callIdIn(batchId: string, customId: string): string | undefined {
  const prefix = `${batchId}-`;
  return customId.startsWith(prefix) ? customId.slice(prefix.length) : undefined;
}
