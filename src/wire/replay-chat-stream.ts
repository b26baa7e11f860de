import { replyError } from './reply-error.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import { EventWriter } from './replay-events.ts';
import { DONE } from './stream-chat.ts';
import type { Fields } from './usage-count.ts';

/** Fields of a completion that every chunk repeats; the others go into the first chunk only. */
const REPEATED: readonly string[] = ['id', 'object', 'created', 'model', 'service_tier', 'system_fingerprint'];

/** Reasoning comes before the text in a stream, wherever it stands in the message. */
const FIRST_FIELDS: readonly string[] = ['reasoning', 'reasoning_content', 'reasoning_details'];

/** The chunks that a chat completion would have come in. @internal */
export function chatStream(body: Fields): Uint8Array | undefined {
  const choices = objectsOf(body['choices']);
  if (choices.length === 0 || replyError(body['error']) !== undefined) return undefined;
  if (choices.some((choice) => objectOf(choice['message']) === undefined)) return undefined;
  const { choices: _choices, usage, object: _object, ...top } = body;
  const base: Record<string, unknown> = {};
  for (const name of REPEATED) {
    if (name === 'object') base[name] = 'chat.completion.chunk';
    else if (name in top) base[name] = top[name];
  }
  const writer = new EventWriter();
  let head: Fields = { ...top, ...base };
  choices.forEach((choice, place) => {
    for (const part of choiceParts(choice, place)) {
      writer.write(undefined, { ...head, choices: [part] });
      head = base;
    }
  });
  if (objectOf(usage) !== undefined) writer.write(undefined, { ...base, choices: [], usage });
  writer.write(undefined, DONE);
  return writer.bytes();
}

function choiceParts(choice: Fields, place: number): readonly Fields[] {
  const { index: stated, message, logprobs, finish_reason: finishReason, ...rest } = choice;
  const index = stated ?? place;
  const deltas = messageDeltas(objectOf(message) ?? {});
  const parts: Fields[] = deltas.map((delta) => ({ index, delta, logprobs: null, finish_reason: null }));
  const content = parts.findIndex((part) => hasText(part['delta']));
  // Log probabilities belong to the text; without any they go with the role.
  const carrier = Math.max(content, 0);
  parts[carrier] = { ...parts[carrier], logprobs: logprobs ?? null };
  parts.push({ index, delta: {}, logprobs: null, finish_reason: finishReason ?? null, ...rest });
  return parts;
}

function hasText(delta: unknown): boolean {
  const { content, refusal } = objectOf(delta) ?? {};
  return (content !== '' && content !== null && content !== undefined) || (refusal ?? null) !== null;
}

function messageDeltas(message: Fields): readonly Fields[] {
  const first: Record<string, unknown> = { role: message['role'] ?? 'assistant' };
  if ('content' in message) first['content'] = message['content'] === null ? null : '';
  const deltas: Fields[] = [first];
  const names = Object.keys(message).filter((name) => name !== 'role' && !FIRST_FIELDS.includes(name));
  for (const name of [...FIRST_FIELDS, ...names]) {
    const value = message[name];
    if (value === undefined || value === '') continue;
    if (value === null) first[name] = null;
    else if (name === 'tool_calls' && Array.isArray(value)) deltas.push(...callDeltas(value));
    else deltas.push({ [name]: value });
  }
  return deltas;
}

function callDeltas(calls: readonly unknown[]): readonly Fields[] {
  return calls.map((call, index) => ({ tool_calls: [Object.assign({ index }, objectOf(call), { index })] }));
}
