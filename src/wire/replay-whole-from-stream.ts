import type { Endpoint } from '../core/model/protocol.ts';
import { chatWhole } from './replay-chat-whole.ts';
import { eventsOf, type StreamEvent } from './replay-events.ts';
import { messagesWhole } from './replay-messages-whole.ts';
import { responsesWhole } from './replay-responses-whole.ts';

/** Endpoints that do not stream have none. */
const MAKERS: Readonly<Partial<Record<Endpoint, (events: readonly StreamEvent[]) => Uint8Array | undefined>>> = {
  chat: chatWhole,
  responses: responsesWhole,
  messages: messagesWhole,
};

/**
 * Makes the body that the provider would have sent unstreamed from a stored stream: deltas are put together, usage and unknown fields kept.
 * @returns undefined when the stream did not end, holds an error, or says something that cannot be put together faithfully; a cache
 * then treats it as a miss.
 * @public
 */
export function wholeFromStream(endpoint: Endpoint, sseBytes: Uint8Array): Uint8Array | undefined {
  const maker = MAKERS[endpoint];
  const events = maker === undefined ? undefined : eventsOf(sseBytes);
  return events === undefined ? undefined : maker?.(events);
}
