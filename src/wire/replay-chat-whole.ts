import { replyError } from './reply-error.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import { bodyBytes, type StreamEvent } from './replay-events.ts';
import { addDelta, newMessage } from './replay-chat-delta.ts';
import { copyFields } from './replay-json.ts';
import { DONE } from './stream-chat.ts';
import { type Fields, wordOf } from './usage-count.ts';

type Entry = Record<string, unknown>;

interface OpenChoice {
  readonly message: Entry;
  readonly rest: Entry;
  readonly logprobs: Entry;
  hasLogprobs: boolean;
}

/** The chat completion that the chunks of a stream amount to. @internal */
export function chatWhole(events: readonly StreamEvent[]): Uint8Array | undefined {
  const body: Entry = copyFields({ id: undefined, object: 'chat.completion', created: undefined, model: undefined });
  const choices = new Map<number, OpenChoice>();
  let isDone = false;
  for (const { type, data } of events) {
    if (type === DONE) isDone = true;
    if (data === undefined) continue;
    if (type === 'error' || replyError(data['error']) !== undefined) return undefined;
    addTop(body, data);
    for (const choice of objectsOf(data['choices'])) addChoice(choices, choice);
  }
  const isWhole = [...choices.values()].every((choice) => wordOf(choice.rest['finish_reason']) !== undefined);
  if (choices.size === 0 || !(isDone || isWhole)) return undefined;
  body['choices'] = [...choices.entries()].toSorted(([left], [right]) => left - right).map(wholeChoice);
  return bodyBytes(body);
}

/** Id, time and model are those of the first chunk that has them (Azure's first has empty ones); anything else is as the last states it. */
function addTop(body: Entry, chunk: Fields): void {
  for (const [name, value] of Object.entries(chunk)) {
    if (name === 'object' || name === 'choices' || name === 'obfuscation') continue;
    if (name === 'id' || name === 'created' || name === 'model') body[name] ||= value;
    else body[name] = value ?? body[name] ?? null;
  }
}

function addChoice(choices: Map<number, OpenChoice>, choice: Fields): void {
  const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
  let open = choices.get(index);
  if (open === undefined) {
    open = { message: newMessage(), rest: copyFields({}), logprobs: copyFields({}), hasLogprobs: false };
    choices.set(index, open);
  }
  for (const [name, value] of Object.entries(choice)) {
    if (name === 'index' || name === 'delta' || name === 'logprobs') continue;
    open.rest[name] = value ?? open.rest[name] ?? null;
  }
  const delta = objectOf(choice['delta']);
  if (delta !== undefined) addDelta(open.message, delta);
  const logprobs = objectOf(choice['logprobs']);
  if (logprobs !== undefined) {
    addDelta(open.logprobs, logprobs);
    open.hasLogprobs = true;
  }
}

function wholeChoice([index, open]: readonly [number, OpenChoice]): Entry {
  const { message } = open;
  if (Array.isArray(message['tool_calls'])) message['tool_calls'] = message['tool_calls'].map(wholeCall);
  const { finish_reason: finishReason, ...rest } = open.rest;
  const logprobs = open.hasLogprobs ? open.logprobs : null;
  return { index, message, logprobs, finish_reason: finishReason ?? null, ...rest };
}

/** `index` says only where a delta belongs; a whole call has none. */
function wholeCall(call: unknown): unknown {
  const fields = objectOf(call);
  if (fields === undefined) return call;
  const { index: _index, ...rest } = fields;
  return { ...rest, type: wordOf(rest['type']) ?? 'function' };
}
