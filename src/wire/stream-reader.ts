import type { Endpoint } from '../core/model/protocol.ts';
import { ChatStreamReader } from './stream-chat.ts';
import type { StreamReader } from './stream-contract.ts';
import { MessagesStreamReader } from './stream-messages.ts';
import { ResponsesStreamReader } from './stream-responses.ts';

export type { FrameRole, StreamReader } from './stream-contract.ts';

const READERS: Readonly<Partial<Record<Endpoint, new (samples: number) => StreamReader>>> = {
  chat: ChatStreamReader,
  responses: ResponsesStreamReader,
  messages: MessagesStreamReader,
};

/**
 * Makes a reader for one reply stream.
 * @param samples - answers that were asked for at once (`n`): a chat stream is whole when each of them has its finish reason.
 * @throws RangeError for endpoints that do not stream (embeddings, count-tokens).
 * @public
 */
export function streamReader(endpoint: Endpoint, samples = 1): StreamReader {
  const Reader = READERS[endpoint];
  if (Reader === undefined) throw new RangeError(`${endpoint} replies are no streams`);
  return new Reader(samples);
}
