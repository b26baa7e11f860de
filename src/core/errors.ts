/** Codes of everything that can go wrong by name. @public */
export type ErrorCode =
  | 'invalid-request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'model-not-found'
  | 'unpriced-model'
  | 'payload-too-large'
  | 'unsupported-media-type'
  | 'only-if-cached'
  | 'client-left'
  | 'attempt-dropped'
  | 'provider-unreachable'
  | 'provider-timeout'
  | 'provider-broken'
  | 'provider-failed'
  | 'targets-resting'
  | 'budget-spent'
  | 'budget-held'
  | 'budget-full'
  | 'unbounded-call'
  | 'rate-limited'
  | 'concurrency-limited'
  | 'overloaded'
  | 'store-unavailable'
  | 'configuration'
  | 'internal';

const MARKER = Symbol.for('farthing.error');

/** Further facts of an error. @public */
export interface ErrorDetails {
  /** HTTP status that a gateway answers with. */
  readonly status?: number;
  /** The request field that is at fault, as a path: `messages[2].content`. */
  readonly param?: string;
  /** Whether the same call may succeed when it is made again. @defaultValue false */
  readonly retryable?: boolean;
  /** For how long the caller should wait before it tries again, in milliseconds. @defaultValue not said */
  readonly retryAfterMs?: number;
  /** Further headers of the reply; lower-case names. @defaultValue none */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  'invalid-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'model-not-found': 404,
  'unpriced-model': 400,
  'payload-too-large': 413,
  'unsupported-media-type': 415,
  'only-if-cached': 504,
  'client-left': 499,
  'attempt-dropped': 499,
  'provider-unreachable': 502,
  'provider-timeout': 504,
  'provider-broken': 502,
  'provider-failed': 502,
  'targets-resting': 503,
  'budget-spent': 402,
  'budget-held': 429,
  'budget-full': 429,
  'unbounded-call': 400,
  'rate-limited': 429,
  'concurrency-limited': 429,
  overloaded: 503,
  'store-unavailable': 503,
  configuration: 500,
  internal: 500,
};

/**
 * The base of every error that Farthing raises. The message never holds a prompt, a reply or a key.
 * @public
 */
export class FarthingError extends Error {
  override readonly name: string = 'FarthingError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly param: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Object.defineProperty(this, MARKER, { value: true }); // recognised by another copy of the package too
    this.code = code;
    this.status = details.status ?? STATUS[code];
    this.param = details.param;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.headers = details.headers ?? {};
  }
}

/** The `retry-after` of an error in whole seconds, rounded up: who comes back earlier comes in vain. 1 where the error knows no better. @public */
export function retryAfterSeconds(error: FarthingError): number {
  return Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1000));
}

/** Whether a thrown value is one of ours, also across copies of the package. @public */
export function isFarthingError(value: unknown): value is FarthingError {
  return typeof value === 'object' && value !== null && MARKER in value;
}
