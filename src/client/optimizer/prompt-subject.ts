import { FarthingError } from '../../core/errors.ts';
import {
  endpointOfBody,
  type OwnRequest,
  ownText,
  type PromptEndpoint,
  readOwnRequest,
} from '../../wire/prompt/own-request.ts';
import { isObject, type JsonObject } from '../../wire/request-guards.ts';

/** What is counted or shortened: a text, or a request. @internal */
export type PromptSubject =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'request';
      readonly own: OwnRequest;
      /** The member that the caller gave by itself; undefined: the whole body. */
      readonly member: 'messages' | 'input' | undefined;
    };

/**
 * Takes a value for what it is: a text, a list of messages or items, or the body of a request.
 * @param isAnthropic - whether messages that fit both protocols are Anthropic's.
 * @throws FarthingError `invalid-request` where it is none of these.
 * @internal
 */
export function promptSubject(input: unknown, isAnthropic: boolean): PromptSubject {
  if (typeof input === 'string') return { kind: 'text', text: input };
  if (Array.isArray(input)) {
    const endpoint = endpointOfList(input, isAnthropic);
    const member = endpoint === 'responses' ? 'input' : 'messages';
    return { kind: 'request', own: ownOf(endpoint, { [member]: input }), member };
  }
  const endpoint = isObject(input) ? endpointOfBody(input) : undefined;
  if (endpoint === undefined || !isObject(input)) {
    throw new FarthingError('invalid-request', 'a prompt is a text, a list of messages, or the body of a request');
  }
  return { kind: 'request', own: ownOf(endpoint, input), member: undefined };
}

/** A subject in the shape in which it was given. @internal */
export function subjectValue(subject: PromptSubject): unknown {
  if (subject.kind === 'text') return subject.text;
  const body = JSON.parse(ownText(subject.own)) as JsonObject;
  return subject.member === undefined ? body : body[subject.member];
}

function ownOf(endpoint: PromptEndpoint, body: object): OwnRequest {
  let text: string;
  try {
    text = JSON.stringify(body, wellFormed);
  } catch (cause) {
    throw new FarthingError('invalid-request', 'a prompt holds what JSON has no word for', { cause });
  }
  return readOwnRequest(endpoint, text);
}

/** Half of a surrogate pair becomes U+FFFD, as wherever text is sent as UTF-8. */
function wellFormed(_name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  // In every supported Node, but not in the es2023 library types.
  return (value as string & { toWellFormed(): string }).toWellFormed();
}

const CHAT_ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'tool', 'function']);
const ITEM_TYPES = /^(?:message|reasoning|item_reference|\w+_call|\w+_call_output)$/;
const ANTHROPIC_PARTS: ReadonlySet<unknown> = new Set(['tool_use', 'tool_result', 'thinking', 'document']);
const ITEM_PARTS: ReadonlySet<unknown> = new Set(['input_text', 'output_text', 'input_image', 'input_file']);

/** What a list is by its entries; what fits both protocols is what the model is asked in. */
function endpointOfList(list: readonly unknown[], isAnthropic: boolean): PromptEndpoint {
  for (const entry of list) {
    if (!isObject(entry)) throw new FarthingError('invalid-request', 'each message of a prompt is an object');
    const { type, role, content } = entry;
    if (typeof type === 'string' && ITEM_TYPES.test(type)) return 'responses';
    if (CHAT_ROLES.has(role) || Array.isArray(entry['tool_calls'])) return 'chat';
    const parts: readonly unknown[] = Array.isArray(content) ? content : [];
    const types = parts.map((part) => (isObject(part) ? part['type'] : undefined));
    if (types.some((part) => ITEM_PARTS.has(part))) return 'responses';
    if (types.some((part) => ANTHROPIC_PARTS.has(part))) return 'messages';
    if (types.includes('image_url')) return 'chat';
  }
  return isAnthropic ? 'messages' : 'chat';
}
