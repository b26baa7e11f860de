import type { Endpoint } from '../core/model/protocol.ts';
import type { ReplyFacts } from '../core/model/reply.ts';
import { ChatTally } from './reply-chat.ts';
import { BROKEN_REPLY, replyError } from './reply-error.ts';
import { isFilledList, objectOf } from './reply-fields.ts';
import { MessagesTally } from './reply-messages.ts';
import { ResponsesTally } from './reply-responses.ts';
import { ReplyTally } from './reply-tally.ts';
import { type Fields, wordOf } from './usage-count.ts';

/**
 * Reads the facts of a whole reply. Missing, null and unknown fields are tolerated; a body that is no JSON object, or that
 * holds an `error`, ends with `error`. Never throws.
 * @param body - the parsed JSON of the reply.
 * @public
 */
export function wholeReplyFacts(endpoint: Endpoint, body: unknown): ReplyFacts {
  const reply = objectOf(body);
  if (reply === undefined) return brokenFacts();
  return READERS[endpoint](reply);
}

const READERS: Readonly<Record<Endpoint, (reply: Fields) => ReplyFacts>> = {
  chat: chatFacts,
  responses: responsesFacts,
  messages: messagesFacts,
  embeddings: (reply) => dataFacts(reply, isFilledList(reply['data'])),
  'count-tokens': (reply) => dataFacts(reply, typeof reply['input_tokens'] === 'number'),
};

function chatFacts(reply: Fields): ReplyFacts {
  const chat = new ChatTally();
  chat.take(reply);
  chat.tally.ended = isFilledList(reply['choices']);
  return chat.facts();
}

function responsesFacts(reply: Fields): ReplyFacts {
  const responses = new ResponsesTally();
  responses.takeResponse(reply);
  return responses.facts();
}

function messagesFacts(reply: Fields): ReplyFacts {
  const messages = new MessagesTally();
  messages.takeMessage(reply);
  messages.tally.ended = wordOf(reply['stop_reason']) !== undefined;
  return messages.facts();
}

/** Embeddings and counts: complete when the data is there. */
function dataFacts(reply: Fields, hasData: boolean): ReplyFacts {
  const tally = new ReplyTally('openai-embeddings');
  tally.name(reply);
  tally.stateUsage(reply['usage'], reply);
  tally.ended = hasData;
  tally.isEmpty = !hasData;
  tally.finish = hasData ? 'complete' : 'unknown';
  const error = replyError(reply['error']);
  if (error !== undefined) tally.fail(error);
  return tally.facts();
}

function brokenFacts(): ReplyFacts {
  const tally = new ReplyTally('openai-chat');
  tally.fail(BROKEN_REPLY);
  return tally.facts();
}
