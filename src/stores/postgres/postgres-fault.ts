import { FarthingError } from '../../core/errors.ts';

/** No connection was to be had, so that nothing was sent. @internal */
export class UnsentStatement extends Error {
  constructor(cause: unknown) {
    super(detailOf(cause), { cause });
    this.name = 'UnsentStatement';
  }
}

/** Classes of SQLSTATE that speak of the values of a statement: bad data, a broken constraint, a deadlock, a function that raised. */
const STATEMENT_CLASSES: ReadonlySet<string> = new Set(['21', '22', '23', '40', '42', 'P0']);

/** The code of an error of Postgres (SQLSTATE, five characters), undefined for any other error. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Whether Postgres refused this very statement, so that another one may succeed. Otherwise the store as a whole is away: no connection, no
 * answer, no room, or it is shutting down.
 * @internal
 */
export function isStatementFault(error: unknown): boolean {
  const state = sqlState(isFault(error) ? error.cause : error);
  return state !== undefined && STATEMENT_CLASSES.has(state.slice(0, 2));
}

/** Whether Postgres may carry out a statement that failed, or has done so: it was sent, and no answer came. @internal */
export function isOutcomeUnknown(error: unknown): boolean {
  const cause = isFault(error) ? error.cause : error;
  return !(cause instanceof UnsentStatement) && !isStatementFault(cause);
}

/** Whether the connection is fit for another statement after an error. @internal */
export function isConnectionUsable(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && !state.startsWith('08') && !(state.startsWith('57P') || state.startsWith('XX'));
}

/** Whether a connection broke, as it does when the server is started anew, while a statement was under way. @internal */
export function isBrokenConnection(error: unknown): boolean {
  const cause = isFault(error) ? error.cause : error;
  const code = codeOf(cause);
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === '57P01') return true;
  if (!(cause instanceof Error)) return false;
  // `pg` has no codes for these two.
  return cause.message.startsWith('Connection terminated unexpectedly') || cause.message.endsWith('is not queryable');
}

function isFault(error: unknown): error is FarthingError {
  return error instanceof FarthingError && error.code === 'store-unavailable';
}

/** What may be told of an error: messages about values (class 22) hold them. */
function detailOf(cause: unknown): string {
  const state = sqlState(cause);
  if (state?.startsWith('22') === true) return `SQLSTATE ${state}`;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === '' ? (codeOf(cause) ?? cause.name) : cause.message;
}

/** An error of Postgres or its client as one of ours. @internal */
export function postgresFault(what: string, cause: unknown): FarthingError {
  if (cause instanceof FarthingError) return cause;
  return new FarthingError('store-unavailable', `${what}: ${detailOf(cause)}`, { retryable: true, cause });
}
