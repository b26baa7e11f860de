import type { PromptRole } from '../../core/model/prompt.ts';
import { isAbsent, isObject, type JsonObject } from '../request-guards.ts';
import { contentBlocks, imagePart, roleOf } from './chat-messages.ts';
import type { JsonPath } from './json-ranges.ts';
import {
  type PlacedBlock,
  type PlacedMessage,
  placedElements,
  type PromptSource,
  stringOf,
  textBlock,
  typeOf,
} from './prompt-source.ts';
import { toolResult } from './tool-result.ts';

/** Members that bring into the prompt what the request does not hold. */
const STORED = ['prompt', 'conversation', 'previous_response_id'] as const;

/** Calls that are described by one member, and that member. */
const CALLS: ReadonlyMap<string, readonly string[]> = new Map([
  ['function_call', ['arguments']],
  ['custom_tool_call', ['input']],
  ['local_shell_call', ['action']],
  ['shell_call', ['action']],
  ['apply_patch_call', ['operation']],
  ['computer_call', ['action', 'actions']],
]);

const RESULTS: ReadonlySet<string> = new Set([
  'function_call_output',
  'custom_tool_call_output',
  'local_shell_call_output',
  'shell_call_output',
  'apply_patch_call_output',
  'computer_call_output',
]);

/**
 * What a Responses request is made of; each item is a message of its own, as the model is shown it.
 *
 * Items of one turn belong together: the provider refuses reasoning without the item that followed it, and a call without its output.
 * @internal
 */
export function responseMessages(source: PromptSource): readonly PlacedMessage[] {
  const { body } = source;
  const messages: PlacedMessage[] = [];
  const add = (role: PromptRole, path: JsonPath, blocks: readonly PlacedBlock[]): void => {
    messages.push({ role, name: undefined, path, blocks });
  };
  for (const name of STORED) if (!isAbsent(body[name])) add('system', [name], [source.opaque(name, [name])]);
  const { instructions, input } = body;
  if (!isAbsent(instructions)) add('system', ['instructions'], contentBlocks(instructions, ['instructions'], source));
  if (typeof input === 'string') add('user', ['input'], [textBlock(input, ['input'])]);
  for (const { value, path } of placedElements(input, ['input'])) messages.push(itemMessage(value, path, source));
  return messages;
}

function itemMessage(value: unknown, path: JsonPath, source: PromptSource): PlacedMessage {
  const item = isObject(value) ? value : {};
  const type = typeOf(item);
  const role = roleOf(item['role']);
  if ((type === '' || type === 'message') && role !== undefined) {
    return { role, name: undefined, path, blocks: contentBlocks(item['content'], [...path, 'content'], source) };
  }
  if (type === 'reasoning')
    return { role: 'assistant', name: undefined, path, blocks: [reasoning(item, path, source)] };
  const call = callBlock(type, item, path, source);
  if (call !== undefined) return { role: 'assistant', name: undefined, path, blocks: [call] };
  if (RESULTS.has(type)) return { role: 'tool', name: undefined, path, blocks: resultBlocks(item, path, source) };
  // What the provider's own tools did belongs to the turn of the model.
  return { role: role ?? 'assistant', name: undefined, path, blocks: [source.opaque(type || 'item', path)] };
}

/** The model reads what it thought from the encrypted content; the summary is for people. */
function reasoning(item: JsonObject, path: JsonPath, source: PromptSource): PlacedBlock {
  const encrypted = item['encrypted_content'];
  if (typeof encrypted === 'string') {
    return {
      block: { kind: 'reasoning', text: encrypted },
      place: { path, textPaths: [[...path, 'encrypted_content']] },
    };
  }
  // By its id the provider looks up what it keeps.
  if (!isAbsent(item['id'])) return source.opaque('reasoning', path);
  const name = isAbsent(item['content']) ? 'summary' : 'content';
  const texts: string[] = [];
  const textPaths: JsonPath[] = [];
  for (const part of placedElements(item[name], [...path, name])) {
    const text = isObject(part.value) ? part.value['text'] : undefined;
    if (typeof text !== 'string') return source.opaque('reasoning', path);
    texts.push(text);
    textPaths.push([...part.path, 'text']);
  }
  return { block: { kind: 'reasoning', text: texts.join('\n') }, place: { path, textPaths } };
}

function callBlock(type: string, item: JsonObject, path: JsonPath, source: PromptSource): PlacedBlock | undefined {
  const field = CALLS.get(type)?.find((name) => !isAbsent(item[name]));
  if (field === undefined) return undefined;
  const value = item[field];
  const isText = typeof value === 'string';
  return {
    block: {
      kind: 'tool-call',
      callId: callIdOf(item),
      name: stringOf(item['name']) || type.replace(/_call$/, ''),
      argumentsText: isText ? value : source.minified([...path, field]),
    },
    place: { path, textPaths: isText ? [[...path, field]] : [] },
  };
}

function resultBlocks(item: JsonObject, path: JsonPath, source: PromptSource): readonly PlacedBlock[] {
  const output = item['output'];
  const outputPath = [...path, 'output'];
  if (!isObject(output)) return toolResult(callIdOf(item), path, contentBlocks(output, outputPath, source));
  return toolResult(callIdOf(item), path, [imagePart(output, outputPath) ?? source.opaque('output', outputPath)]);
}

/** The output of a local shell has nothing but an `id`, which is that of its call. */
function callIdOf(item: JsonObject): string {
  return stringOf(item['call_id']) || stringOf(item['id']);
}
