import type { ReplyError } from '../core/model/reply.ts';
import { objectOf } from './reply-fields.ts';
import { wordOf } from './usage-count.ts';

/** What a reply is called that is not JSON where JSON must be. @internal */
export const BROKEN_REPLY: ReplyError = Object.freeze({
  type: 'invalid_reply',
  message: 'The provider sent something that is not a JSON object.',
});

/**
 * Reads the error that a provider put into a reply: `{type, code, message}`, nested once more by some, a bare text by others.
 * @returns undefined when the value states no error (null, false, empty).
 * @internal
 */
export function replyError(value: unknown): ReplyError | undefined {
  const text = wordOf(value);
  if (text !== undefined) return { type: 'provider_error', message: text };
  const fields = objectOf(value);
  if (fields === undefined) return undefined;
  const nested = objectOf(fields['error']);
  if (nested !== undefined) return replyError(nested);
  const code = typeof fields['code'] === 'number' ? String(fields['code']) : wordOf(fields['code']);
  return {
    type: wordOf(fields['type']) ?? 'provider_error',
    message: wordOf(fields['message']) ?? 'The provider gave no message.',
    ...(code === undefined ? {} : { code }),
  };
}
