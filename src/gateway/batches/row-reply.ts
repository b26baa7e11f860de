import { type ErrorCode, FarthingError } from '../../core/errors.ts';
import type { ReplyHead } from '../../ports/reply-sink.ts';
import { CollectedReply } from '../../jobs/batch/collected-reply.ts';
import { isObject } from '../../wire/request-guards.ts';

/** What refuses a batch as a whole, whichever of its rows was the one; all else is wrong with the row. */
const OF_THE_BATCH: ReadonlySet<number> = new Set([401, 402, 408, 429, 499]);

/** The codes behind statuses, for what a protocol's error does not tell. */
const CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [402, 'budget-spent'],
  [403, 'forbidden'],
  [404, 'model-not-found'],
  [429, 'rate-limited'],
  [499, 'client-left'],
  [503, 'store-unavailable'],
]);

/** Of errors that share a status, those that OpenAI's shape tells apart. */
const TOLD_CODES: ReadonlySet<string> = new Set([
  'budget-held',
  'budget-full',
  'concurrency-limited',
  'unpriced-model',
  'unbounded-call',
  'not-found',
]);

/** Collects what the engine says to one row of a batch. @internal */
export class RowReply extends CollectedReply {
  #retryAfterSeconds: number | undefined;

  override head(head: ReplyHead): void {
    super.head(head);
    const seconds = Number(head.headers['retry-after']);
    this.#retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined;
  }

  /** How long to wait before the row is tried again, in milliseconds; undefined: that would not help. */
  get pauseMs(): number | undefined {
    return this.status === 429 ? (this.#retryAfterSeconds ?? 1) * 1000 : undefined;
  }

  /** Whether the batch cannot be taken, and no further row need be looked at. */
  get isOfBatch(): boolean {
    return OF_THE_BATCH.has(this.status) || this.status >= 500 || this.status === 0;
  }

  /** What is wrong, with the row's place in front of it. */
  error(place: string, param: string): FarthingError {
    const error = errorIn(this.text());
    const message = typeof error['message'] === 'string' ? error['message'] : 'the row was refused';
    const told = typeof error['code'] === 'string' ? error['code'].replaceAll('_', '-') : '';
    const known = TOLD_CODES.has(told) ? (told as ErrorCode) : CODES.get(this.status);
    const status = this.status === 0 ? 500 : this.status;
    const pauseMs =
      this.pauseMs ?? (this.#retryAfterSeconds === undefined ? undefined : this.#retryAfterSeconds * 1000);
    return new FarthingError(known ?? (status >= 500 ? 'internal' : 'invalid-request'), `${place}: ${message}`, {
      status,
      param,
      retryable: status === 429 || status >= 500,
      ...(pauseMs === undefined ? {} : { retryAfterMs: pauseMs }),
    });
  }
}

function errorIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) && isObject(body['error']) ? body['error'] : {};
  } catch {
    return {};
  }
}
