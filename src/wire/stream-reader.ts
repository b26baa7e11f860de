import type { Endpoint } from '../core/model/protocol.ts';
import { ChatStreamReader } from './stream-chat.ts';
import type { StreamReader } from './stream-contract.ts';
import { MessagesStreamReader } from './stream-messages.ts';
import { ResponsesStreamReader } from './stream-responses.ts';

export type { FrameRole, StreamReader } from './stream-contract.ts';

const READERS: Readonly<Partial<Record<Endpoint, new () => StreamReader>>> = {
  chat: ChatStreamReader,
  responses: ResponsesStreamReader,
  messages: MessagesStreamReader,
};

/**
 * Makes a reader for one reply stream.
 * @throws RangeError for endpoints that do not stream (embeddings, count-tokens).
 * @public
 */
export function streamReader(endpoint: Endpoint): StreamReader {
  const Reader = READERS[endpoint];
  if (Reader === undefined) throw new RangeError(`${endpoint} replies are no streams`);
  return new Reader();
}
