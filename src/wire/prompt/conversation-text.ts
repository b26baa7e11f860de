import type { DecodedRequest } from '../decoded-request.ts';
import { prefixPieces } from './prefix-pieces.ts';
import type { PrefixSettings } from './prefix-settings.ts';
import type { RequestPrompt } from './request-prompt.ts';

/** Settings may change from one turn to the next. */
const NO_SETTINGS: PrefixSettings = { tools: '', system: '', messages: '' };

/**
 * What names the conversation that a request belongs to, where the caller does not: its prompt up to the end of the first message of the user, which
 * all of its requests repeat. It holds content: hash it, with the scope in which conversations are told apart.
 * @public
 */
export function conversationText(request: DecodedRequest, read: RequestPrompt): string {
  const first = read.prompt.messages.findIndex(({ role }) => role === 'user');
  const pieces = prefixPieces(request, read, NO_SETTINGS, first === -1 ? Infinity : first + 1);
  return JSON.stringify(pieces.map(({ level, text }) => [level, text]));
}
