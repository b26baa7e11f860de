import type { BatchRow, BatchStatus } from '../core/model/batch-reply.ts';
import type { Endpoint } from '../core/model/protocol.ts';

export type { BatchRow, BatchStatus } from '../core/model/batch-reply.ts';

/** What a provider lets one batch hold. @public */
export interface BatchLimits {
  readonly maxRequests: number;
  /** Inputs of embeddings in all requests. @defaultValue no limit */
  readonly maxInputs?: number;
  /** Of the file, or of the request that holds all. */
  readonly maxBytes: number;
  /** Bytes that a line takes beside its body, at most. */
  readonly lineBytes: number;
  /** The provider's word on how long a batch may take, in milliseconds. */
  readonly windowMs: number;
}

/** One request of a batch. @public */
export interface BatchLine {
  readonly customId: string;
  /** JSON text. */
  readonly body: string;
}

/** What is to be sent. @public */
export interface BatchShipment {
  /** Ours: names file and metadata, and begins every custom id. */
  readonly batchId: string;
  readonly endpoint: Endpoint;
  /** Sent along: betas. Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly keyIndex: number | undefined;
  /** As many as there are {@link lines}: a lost batch is told from others by their number too. */
  readonly requests: number;
  /** The lines, from the start and the same each time. */
  lines(): AsyncIterable<BatchLine>;
}

/** A batch at the provider. @public */
export interface BatchAddress {
  readonly providerId: string;
  readonly batchId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly keyIndex: number | undefined;
}

/**
 * What became of a submission whose answer was lost. `unsure`: a batch that may be it cannot be told from others yet (Anthropic shows custom ids only when it
 * has ended): ask again later, and send nothing until then.
 * @public
 */
export type FoundBatch =
  | { readonly kind: 'found'; readonly providerId: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unsure' };

/**
 * Sending batches to one provider. Faults are thrown as `FarthingError`: `provider-unreachable` (nothing was sent), `provider-timeout` and `provider-broken` (nobody
 * knows whether it arrived), `provider-failed` with the provider's status for what it refused (retryable for 429 and 5xx).
 * @public
 */
export interface BatchSender {
  readonly limits: BatchLimits;
  /** Puts the requests where `submit` needs them, looking first whether an earlier try has done so; the id it left there, or undefined where nothing is put anywhere. */
  stage(shipment: BatchShipment, mayBeThere: boolean): Promise<string | undefined>;
  /** Starts the batch; the provider's id of it. Refused (`provider-failed`) is only what cannot have begun; 5xx that leave it open are `provider-broken`. */
  submit(shipment: BatchShipment, stagedId: string | undefined): Promise<string>;
  /**
   * Looks for a batch that was submitted since then.
   * @param isKnown - whether a provider's id is another known batch.
   */
  find(shipment: BatchShipment, sinceMs: number, isKnown: (providerId: string) => boolean): Promise<FoundBatch>;
  /** Takes away what staging left, when the batch is over. What is not there any more is well. */
  unstage(shipment: Pick<BatchShipment, 'headers' | 'keyIndex'>, stagedId: string): Promise<void>;
}

/** Following batches at one provider. Faults as of {@link BatchSender}. @public */
export interface BatchReader {
  status(batch: BatchAddress): Promise<BatchStatus>;
  /**
   * Results and errors in any order, each line once; those of lines without a result are absent.
   * @throws FarthingError when all that can be read has been given: `provider-failed`, not retryable, for results that hold lines nobody can read.
   */
  rows(batch: BatchAddress, status: BatchStatus): AsyncIterable<BatchRow>;
  cancel(batch: BatchAddress): Promise<void>;
}

/** The batch interface of one provider. @public */
export type BatchApi = BatchSender & BatchReader;
