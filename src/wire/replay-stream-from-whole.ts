import type { Endpoint } from '../core/model/protocol.ts';
import { chatStream } from './replay-chat-stream.ts';
import { bodyOf } from './replay-events.ts';
import { messagesStream } from './replay-messages-stream.ts';
import { responsesStream } from './replay-responses-stream.ts';
import type { Fields } from './usage-count.ts';

/** Endpoints that do not stream have none. */
const MAKERS: Readonly<Partial<Record<Endpoint, (body: Fields) => Uint8Array | undefined>>> = {
  chat: chatStream,
  responses: responsesStream,
  messages: messagesStream,
};

/**
 * Makes the event stream that the provider would have sent from a stored body. A chat stream ends with the extra usage chunk before
 * `[DONE]`; whoever relays it withholds that chunk from clients who did not ask for it.
 * @returns undefined when the body is no whole answer (an error, no choices, not ended) or its endpoint does not stream; a cache
 * then treats it as a miss.
 * @public
 */
export function streamFromWhole(endpoint: Endpoint, body: Uint8Array): Uint8Array | undefined {
  const maker = MAKERS[endpoint];
  const fields = maker === undefined ? undefined : bodyOf(body);
  return fields === undefined ? undefined : maker?.(fields);
}
