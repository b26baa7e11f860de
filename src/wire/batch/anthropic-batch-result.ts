import { isObject } from '../request-guards.ts';
import { identifiedLine, type ResultLine, textAt } from './result-line.ts';

/** The statuses of Anthropic's error types (docs.claude.com, API errors); `invalid_request` is how its older batches spelled the first. */
const STATUSES: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['invalid_request', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/** The status of an error whose type is none of those. */
const ERROR_STATUS = 500;

/**
 * Reads a line of an Anthropic batch's results: `{custom_id, result: {type: succeeded | errored | canceled | expired, message | error}}`.
 * A line without a known result is an error of the provider's, so that its call ends.
 * @internal
 */
export function anthropicBatchResult(line: Uint8Array): ResultLine {
  const read = identifiedLine(line);
  if (read.kind === 'unreadable') return read;
  const { customId, fields } = read;
  const result = isObject(fields['result']) ? fields['result'] : {};
  switch (result['type']) {
    case 'canceled':
      return { customId, kind: 'cancelled' };
    case 'expired':
      return { customId, kind: 'expired' };
    case 'succeeded':
      if (!isObject(result['message'])) break;
      return { customId, kind: 'reply', status: 200, body: textAt(line, ['result', 'message'], result['message']) };
    case 'errored':
      if (!isObject(result['error'])) break;
      return { customId, kind: 'reply', ...errorReply(line, result['error']) };
    default:
  }
  const told = { type: 'error', error: { type: 'api_error', message: 'the batch gave no answer' } };
  return { customId, kind: 'reply', status: ERROR_STATUS, body: JSON.stringify(told) };
}

/** An error as a live call would have got it: with its envelope, which some batches leave out. */
function errorReply(line: Uint8Array, error: Readonly<Record<string, unknown>>): { status: number; body: string } {
  const text = textAt(line, ['result', 'error'], error);
  const inner = error['error'];
  const type = isObject(inner) ? inner['type'] : error['type'];
  return {
    status: STATUSES.get(type) ?? ERROR_STATUS,
    body: isObject(inner) ? text : `{"type":"error","error":${text}}`,
  };
}
