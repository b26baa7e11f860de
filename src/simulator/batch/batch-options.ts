/** How the simulated Batch APIs behave. All chance is decided by the provider's seed. Times are simulated milliseconds. @public */
export interface SimulatedBatchOptions {
  /** Half of the quick batches are over by then. @defaultValue 1_200_000 (20 minutes; an assumption) */
  readonly medianMs?: number;
  /** Spread of the logarithm of durations; 0 makes all quick batches take `medianMs` exactly, and all slow ones `slowMedianMs`. @defaultValue 0.6 */
  readonly spreadSigma?: number;
  /** Share of batches (0..1) that are slow. @defaultValue 0.1 */
  readonly slowRatio?: number;
  /** Half of the slow batches are over by then. @defaultValue 21_600_000 (6 hours; an assumption) */
  readonly slowMedianMs?: number;
  /** Share of batches (0..1) that stop somewhere and never get any further: they expire with what was done. @defaultValue 0 */
  readonly neverRatio?: number;
  /** When a batch expires. @defaultValue 86_400_000 (24 hours, as both providers say) */
  readonly windowMs?: number;
  /** From a request to cancel to the end. @defaultValue 60_000 */
  readonly cancellingMs?: number;
  /** Share of rows (0..1) that come back with an error; each batch that a row is in draws anew. @defaultValue 0 */
  readonly failedRowRatio?: number;
  /** The status of those errors. @defaultValue 500 */
  readonly failedRowStatus?: 400 | 429 | 500 | 529;
  /** A new batch shows in lists only after so long. @defaultValue 0 */
  readonly listingLagMs?: number;
  /** Share of requests to the batch endpoints (0..1) that are refused with 429. @defaultValue 0 */
  readonly refusedRatio?: number;
  /** Share of them that fail with 500, with nothing done. @defaultValue 0 */
  readonly brokenRatio?: number;
  /** Share of those that change something whose connection is reset before anything was done. @defaultValue 0 */
  readonly lostRequestRatio?: number;
  /** Share of those that change something whose connection is reset when all was done, before the reply. @defaultValue 0 */
  readonly lostReplyRatio?: number;
  /** Share of downloads of results whose connection is reset in the middle. @defaultValue 0 */
  readonly cutDownloadRatio?: number;
  /** Input tokens that OpenAI lets be enqueued, for each account and model: a batch beyond fails with `token_limit_exceeded`. @defaultValue no limit */
  readonly enqueuedTokenLimit?: number;
  /** Requests in a batch. @defaultValue 50_000 for OpenAI, 100_000 for Anthropic, as documented */
  readonly maxRequests?: number;
  /** Bytes of a batch. @defaultValue 200_000_000 for OpenAI, 256_000_000 for Anthropic, as documented */
  readonly maxBytes?: number;
}

/** The options with the defaults in the place of what was left out. @internal */
export type BatchBehaviour = SimulatedBatchOptions &
  Required<Omit<SimulatedBatchOptions, 'enqueuedTokenLimit' | 'maxRequests' | 'maxBytes'>>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const DEFAULTS: BatchBehaviour = {
  medianMs: 20 * MINUTE_MS,
  spreadSigma: 0.6,
  slowRatio: 0.1,
  slowMedianMs: 6 * HOUR_MS,
  neverRatio: 0,
  windowMs: 24 * HOUR_MS,
  cancellingMs: MINUTE_MS,
  failedRowRatio: 0,
  failedRowStatus: 500,
  listingLagMs: 0,
  refusedRatio: 0,
  brokenRatio: 0,
  lostRequestRatio: 0,
  lostReplyRatio: 0,
  cutDownloadRatio: 0,
};

/** @throws RangeError when a number is below 0 or none, or a share above 1. @internal */
export function batchBehaviour(options: SimulatedBatchOptions): BatchBehaviour {
  const behaviour = { ...DEFAULTS, ...options };
  for (const [name, value] of Object.entries(behaviour)) {
    const isFine = value >= 0 && (!name.endsWith('Ratio') || value <= 1);
    if (!isFine) throw new RangeError(`batches.${name} is out of range: ${value}`);
  }
  return behaviour;
}

/** What a request to the batch endpoints does. @public */
export type BatchOperation = 'upload' | 'submit' | 'cancel' | 'delete' | 'read' | 'list' | 'download';

/**
 * A fault that a request to the batch endpoints shows on purpose.
 * - `status`: it is refused, with nothing done.
 * - `lost-request`: the connection is reset before anything was done.
 * - `lost-reply`: the connection is reset when all was done.
 * - `cut`: the connection is reset in the middle of the reply.
 * @public
 */
export interface BatchFault {
  readonly kind: 'status' | 'lost-request' | 'lost-reply' | 'cut';
  /** With `status`. @defaultValue 500 */
  readonly status?: 400 | 429 | 500 | 503 | 529;
  /** Which requests it is for; others pass. @defaultValue any */
  readonly on?: BatchOperation;
}
