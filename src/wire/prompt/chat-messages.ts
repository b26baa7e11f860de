import type { PromptRole } from '../../core/model/prompt.ts';
import { isAbsent, isObject, type JsonObject } from '../request-guards.ts';
import { addressedImage, distantImage } from './image-block.ts';
import type { JsonPath } from './json-ranges.ts';
import {
  listOf,
  type PlacedBlock,
  type PlacedMessage,
  placedElements,
  type PromptSource,
  stringOf,
  textBlock,
  typeOf,
} from './prompt-source.ts';
import { toolResult } from './tool-result.ts';

const ROLES: ReadonlyMap<unknown, PromptRole> = new Map<unknown, PromptRole>([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool'],
  // Before tools there were functions.
  ['function', 'tool'],
]);

/** Reasoning that is given back, under the names that providers gave it (DeepSeek and others; OpenRouter). */
const REASONING_FIELDS = ['reasoning_content', 'reasoning'] as const;

/** The role as a prompt names it; undefined for one that is not known. @internal */
export function roleOf(role: unknown): PromptRole | undefined {
  return ROLES.get(role);
}

/** The messages of a chat request. @internal */
export function chatMessages(source: PromptSource): readonly PlacedMessage[] {
  return placedElements(source.body['messages'], ['messages']).map(({ value, path }) => {
    const message = isObject(value) ? value : {};
    const role = roleOf(message['role']);
    const name = stringOf(message['name']) || undefined;
    if (role === undefined) return { role: 'user', name, path, blocks: [source.opaque('message', path)] };
    const blocks = role === 'tool' ? chatResult(message, path, source) : spoken(message, path, source);
    return { role, name: message['role'] === 'function' ? undefined : name, path, blocks };
  });
}

function chatResult(message: JsonObject, path: JsonPath, source: PromptSource): readonly PlacedBlock[] {
  const callId = stringOf(message['tool_call_id']) || stringOf(message['name']);
  return toolResult(callId, path, contentBlocks(message['content'], [...path, 'content'], source));
}

/** What a message says, then what it calls. */
function spoken(message: JsonObject, path: JsonPath, source: PromptSource): readonly PlacedBlock[] {
  const blocks: PlacedBlock[] = [];
  const reasoning = REASONING_FIELDS.find((name) => typeof message[name] === 'string' && message[name] !== '');
  if (reasoning !== undefined) {
    const place = { path: [...path, reasoning], textPaths: [[...path, reasoning]] };
    blocks.push({ block: { kind: 'reasoning', text: stringOf(message[reasoning]) }, place });
  }
  blocks.push(...contentBlocks(message['content'], [...path, 'content'], source));
  if (typeof message['refusal'] === 'string') blocks.push(textBlock(message['refusal'], [...path, 'refusal']));
  // An answer that was spoken is given back by its id.
  if (!isAbsent(message['audio'])) blocks.push(source.opaque('audio', [...path, 'audio']));
  for (const call of placedElements(message['tool_calls'], [...path, 'tool_calls'])) {
    blocks.push(chatCall(call.value, call.path) ?? source.opaque('tool_call', call.path));
  }
  const called = message['function_call'];
  if (isObject(called))
    blocks.push(callBlock(stringOf(called['name']), called, 'arguments', [...path, 'function_call']));
  return blocks;
}

function chatCall(value: unknown, path: JsonPath): PlacedBlock | undefined {
  if (!isObject(value)) return undefined;
  const { function: called, custom } = value;
  const id = stringOf(value['id']);
  if (isObject(called)) return callBlock(id, called, 'arguments', path, [...path, 'function']);
  return isObject(custom) ? callBlock(id, custom, 'input', path, [...path, 'custom']) : undefined;
}

function callBlock(
  callId: string,
  called: JsonObject,
  field: 'arguments' | 'input',
  path: JsonPath,
  calledPath: JsonPath = path,
): PlacedBlock {
  const text = called[field];
  const block = { kind: 'tool-call', callId, name: stringOf(called['name']), argumentsText: stringOf(text) } as const;
  return { block, place: { path, textPaths: typeof text === 'string' ? [[...calledPath, field]] : [] } };
}

/** Content of a message of OpenAI's protocols: a string, parts, or nothing. @internal */
export function contentBlocks(content: unknown, path: JsonPath, source: PromptSource): readonly PlacedBlock[] {
  if (isAbsent(content)) return [];
  if (typeof content === 'string') return [textBlock(content, path)];
  if (!Array.isArray(content)) return [source.opaque('content', path)];
  return listOf(content).map((part, index) => contentPart(part, [...path, index], source));
}

/** Types of parts that are words, and the member that has them. */
const TEXT_FIELDS: ReadonlyMap<string, string> = new Map([
  ['text', 'text'],
  ['input_text', 'text'],
  ['output_text', 'text'],
  ['summary_text', 'text'],
  ['refusal', 'refusal'],
]);

function contentPart(part: unknown, path: JsonPath, source: PromptSource): PlacedBlock {
  if (typeof part === 'string') return textBlock(part, path);
  if (!isObject(part)) return source.opaque('part', path);
  const type = typeOf(part);
  const field = TEXT_FIELDS.get(type);
  const text = field === undefined ? undefined : part[field];
  if (field !== undefined && typeof text === 'string') return textBlock(text, path, [...path, field]);
  return imagePart(part, path) ?? source.opaque(type || 'part', path);
}

/** A picture in a chat message, an item of Responses or a screenshot; undefined where the part is none. @internal */
export function imagePart(part: JsonObject, path: JsonPath): PlacedBlock | undefined {
  const type = typeOf(part);
  if (type !== 'image_url' && type !== 'input_image' && type !== 'computer_screenshot') return undefined;
  const image = part['image_url'];
  if (typeof image === 'string') return addressedImage(image, part['detail'], path, [...path, 'image_url']);
  if (isObject(image) && typeof image['url'] === 'string') {
    return addressedImage(image['url'], image['detail'], path, [...path, 'image_url', 'url']);
  }
  return typeof part['file_id'] === 'string' ? distantImage(part['detail'], path) : undefined;
}
