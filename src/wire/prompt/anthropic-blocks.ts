import { isAbsent, isObject, type JsonObject } from '../request-guards.ts';
import { roleOf } from './chat-messages.ts';
import { distantImage, inlineImage } from './image-block.ts';
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

/** The system prompt and the messages of an Anthropic request. @internal */
export function anthropicMessages(source: PromptSource): readonly PlacedMessage[] {
  const { body } = source;
  const messages: PlacedMessage[] = [];
  if (!isAbsent(body['system'])) {
    const blocks = blocksOf(body['system'], ['system'], source);
    messages.push({ role: 'system', name: undefined, path: ['system'], blocks });
  }
  for (const { value, path } of placedElements(body['messages'], ['messages'])) {
    const message = isObject(value) ? value : {};
    const role = roleOf(message['role']);
    const blocks =
      role === undefined
        ? [source.opaque('message', path)]
        : blocksOf(message['content'], [...path, 'content'], source);
    messages.push({ role: role ?? 'user', name: undefined, path, blocks });
  }
  return messages;
}

function blocksOf(content: unknown, path: JsonPath, source: PromptSource): readonly PlacedBlock[] {
  if (isAbsent(content)) return [];
  if (typeof content === 'string') return [textBlock(content, path)];
  if (!Array.isArray(content)) return [source.opaque('content', path)];
  return listOf(content).flatMap((block, index) => anthropicBlock(block, [...path, index], source));
}

function anthropicBlock(value: unknown, path: JsonPath, source: PromptSource): readonly PlacedBlock[] {
  if (typeof value === 'string') return [textBlock(value, path)];
  if (!isObject(value)) return [source.opaque('block', path)];
  const type = typeOf(value);
  return READERS.get(type)?.(value, path, source) ?? [source.opaque(type || 'block', path)];
}

/** Reads a block; undefined where it is not of the form that it should have. */
type BlockReader = (block: JsonObject, path: JsonPath, source: PromptSource) => readonly PlacedBlock[] | undefined;

const READERS: ReadonlyMap<string, BlockReader> = new Map<string, BlockReader>([
  ['text', plainText],
  ['image', image],
  ['tool_use', toolUse],
  [
    'tool_result',
    (block, path, source) => {
      const parts = blocksOf(block['content'], [...path, 'content'], source);
      return toolResult(stringOf(block['tool_use_id']), path, parts);
    },
  ],
  ['thinking', (block, path) => thinking(block, 'thinking', path)],
  // Encrypted, so its length is all that is known of it.
  ['redacted_thinking', (block, path) => thinking(block, 'data', path)],
  ['document', document],
]);

function plainText(block: JsonObject, path: JsonPath): readonly PlacedBlock[] | undefined {
  const text = block['text'];
  // Citations point at characters of what they cite and are put before the model with the text.
  if (typeof text !== 'string' || listOf(block['citations']).length > 0) return undefined;
  return [textBlock(text, path, [...path, 'text'])];
}

function image(block: JsonObject, path: JsonPath): readonly PlacedBlock[] | undefined {
  const source = block['source'];
  if (!isObject(source)) return undefined;
  const { type, data } = source;
  if (type === 'base64' && typeof data === 'string') {
    const mediaType = stringOf(source['media_type']).toLowerCase() || undefined;
    return [inlineImage(data, mediaType, undefined, path, [...path, 'source', 'data'])];
  }
  return type === 'url' || type === 'file' ? [distantImage(undefined, path)] : undefined;
}

function toolUse(block: JsonObject, path: JsonPath, source: PromptSource): readonly PlacedBlock[] {
  const argumentsText = source.minified([...path, 'input']);
  const { id, name } = block;
  return [
    {
      block: { kind: 'tool-call', callId: stringOf(id), name: stringOf(name), argumentsText },
      place: { path, textPaths: [] },
    },
  ];
}

function thinking(block: JsonObject, field: 'thinking' | 'data', path: JsonPath): readonly PlacedBlock[] | undefined {
  const text = block[field];
  if (typeof text !== 'string') return undefined;
  return [{ block: { kind: 'reasoning', text }, place: { path, textPaths: [[...path, field]] } }];
}

/** A document that is nothing but text. One that is cited from is cut into pieces by the provider, and its characters are counted. */
function document(block: JsonObject, path: JsonPath): readonly PlacedBlock[] | undefined {
  const { source, citations } = block;
  if (isObject(citations) && citations['enabled'] === true) return undefined;
  if (!isObject(source) || source['type'] !== 'text' || typeof source['data'] !== 'string') return undefined;
  const blocks: PlacedBlock[] = [];
  for (const name of ['title', 'context']) {
    const text = block[name];
    if (typeof text === 'string') blocks.push(textBlock(text, path, [...path, name]));
  }
  return [...blocks, textBlock(source['data'], path, [...path, 'source', 'data'])];
}
