import type { Endpoint } from '../core/model/protocol.ts';
import { chatWhole } from './replay-chat-whole.ts';
import { eventsOf } from './replay-events.ts';
import { messagesWhole } from './replay-messages-whole.ts';
import { responsesWhole } from './replay-responses-whole.ts';

/**
 * Makes the body that the provider would have sent unstreamed from a stored stream: deltas are put together, usage and unknown fields kept.
 * @returns undefined when the stream did not end, holds an error, or says something that cannot be put together faithfully; a cache
 * then treats it as a miss.
 * @public
 */
export function wholeFromStream(endpoint: Endpoint, sseBytes: Uint8Array): Uint8Array | undefined {
  const events = eventsOf(sseBytes);
  if (events === undefined) return undefined;
  switch (endpoint) {
    case 'chat':
      return chatWhole(events);
    case 'responses':
      return responsesWhole(events);
    case 'messages':
      return messagesWhole(events);
    case 'embeddings':
    case 'count-tokens':
      return undefined;
  }
}
