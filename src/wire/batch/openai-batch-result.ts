import { isObject } from '../request-guards.ts';
import { identifiedLine, type ResultLine, textAt } from './result-line.ts';

/** Codes of lines that were not answered (platform.openai.com, guides/batch, "Batch expiration" and "Cancelling a batch"). */
const UNANSWERED: ReadonlyMap<unknown, 'expired' | 'cancelled'> = new Map([
  ['batch_expired', 'expired'],
  ['batch_cancelled', 'cancelled'],
]);

/** The status of a line that has an error and no answer. Ours: OpenAI gives none. */
const ERROR_STATUS = 500;

/**
 * Reads a line of an OpenAI batch's output or error file: `{id, custom_id, response: {status_code, request_id, body}, error: {code, message}}`.
 * A line with neither answer nor known error is an error of the provider's, so that its call ends.
 * @internal
 */
export function openaiBatchResult(line: Uint8Array): ResultLine {
  const read = identifiedLine(line);
  if (read.kind === 'unreadable') return read;
  const { customId, fields } = read;
  const { response, error } = fields;
  const status = isObject(response) && response['body'] !== undefined ? statusOf(response['status_code']) : undefined;
  const code = isObject(error) ? error['code'] : undefined;
  const unanswered = UNANSWERED.get(code);
  const isGood = status !== undefined && status < 300;
  if (unanswered !== undefined && !isGood) return { customId, kind: unanswered };
  if (status !== undefined && isObject(response)) {
    return { customId, kind: 'reply', status, body: textAt(line, ['response', 'body'], response['body']) };
  }
  const message =
    isObject(error) && typeof error['message'] === 'string' ? error['message'] : 'the batch gave no answer';
  const told = { message, type: 'server_error', param: null, code: typeof code === 'string' ? code : null };
  return { customId, kind: 'reply', status: ERROR_STATUS, body: JSON.stringify({ error: told }) };
}

function statusOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599 ? value : undefined;
}
