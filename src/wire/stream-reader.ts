import type { Endpoint } from '../core/model/protocol.ts';
import { ChatStreamReader } from './stream-chat.ts';
import type { StreamReader } from './stream-contract.ts';
import { MessagesStreamReader } from './stream-messages.ts';
import { ResponsesStreamReader } from './stream-responses.ts';

export type { FrameRole, StreamReader } from './stream-contract.ts';

/**
 * Makes a reader for one reply stream.
 * @throws RangeError for endpoints that do not stream (embeddings, count-tokens).
 * @public
 */
export function streamReader(endpoint: Endpoint): StreamReader {
  switch (endpoint) {
    case 'chat':
      return new ChatStreamReader();
    case 'responses':
      return new ResponsesStreamReader();
    case 'messages':
      return new MessagesStreamReader();
    case 'embeddings':
    case 'count-tokens':
      throw new RangeError(`${endpoint} replies are no streams`);
  }
}
