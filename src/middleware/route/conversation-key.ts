import { turnOf } from '../../core/prefix/turn-of.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import type { Call } from '../compose.ts';

/** How a conversation is told from others. @internal */
export interface ConversationNames {
  /** By the caller's own name for it, else by what all its requests repeat; a hash. */
  readonly conversationOf: (call: Call) => string;
  readonly hash: (text: string) => string;
}

/** What a conversation is remembered under, and whether anything can be remembered of it yet. @internal */
export interface ConversationKey {
  readonly name: string;
  /** Whether it may have been routed before: its first turn was not. */
  readonly mayBeKnown: boolean;
  /** Whether the provider keeps what was said before: only the target that has it can go on. */
  readonly isKeptByProvider: boolean;
}

/** Names the conversation of a call. A chain of stored responses is named by the response that it goes on from. @internal */
export function conversationKey(call: Call, request: DecodedRequest, names: ConversationNames): ConversationKey {
  const previous = request.endpoint === 'responses' ? request.body['previous_response_id'] : undefined;
  if (typeof previous === 'string' && previous !== '') {
    return { name: storedResponseName(call, previous, names), mayBeKnown: true, isKeptByProvider: true };
  }
  const session = call.headers['x-farthing-session'];
  const prompt = promptOf(request)?.prompt;
  const isNamed = session !== undefined && session !== '';
  return {
    name: names.conversationOf(call),
    mayBeKnown: isNamed || prompt === undefined || turnOf(prompt) > 1,
    isKeptByProvider: false,
  };
}

/** What a stored response is remembered under, for the call that goes on from it. @internal */
export function storedResponseName(call: Call, id: string, { hash }: ConversationNames): string {
  return hash(`${call.caller.project.length} ${call.caller.project}\nresponse\n${id}`);
}
