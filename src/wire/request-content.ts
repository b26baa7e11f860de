import type { UnboundedReason } from '../core/budget/call-bound.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { isAbsent, isObject, type JsonObject } from './request-guards.ts';

/** What a request's content is made of. @internal */
export interface ContentTally {
  /** Messages, items and content parts: each gets marks of its own in the prompt. */
  readonly parts: number;
  readonly images: number;
  /** Bytes of the body that are pictures, which no model reads as text. */
  readonly imageBytes: number;
  /** The first thing found that nothing in the body bounds. */
  readonly unbounded: UnboundedReason | undefined;
}

interface Counts {
  parts: number;
  images: number;
  imageBytes: number;
  unbounded: UnboundedReason | undefined;
}

type PartKind = 'text' | 'image' | UnboundedReason;

/**
 * What each type of content is. A type that is not here is never guessed at: `unknown-content`. So is what a provider put there that stands
 * for something else: results of its own tools, references to tools that it unfolds.
 */
const PART_KINDS: ReadonlyMap<unknown, PartKind> = new Map<unknown, PartKind>([
  ...(
    [
      'text',
      'refusal',
      'thinking',
      'redacted_thinking',
      'tool_use',
      'tool_result',
      'search_result',
      'input_text',
      'output_text',
      'summary_text',
      'reasoning_text',
    ] as const
  ).map((type): readonly [string, PartKind] => [type, 'text']),
  ...(['image', 'image_url', 'input_image', 'computer_screenshot'] as const).map(
    (type): readonly [string, PartKind] => [type, 'image'],
  ),
  ...(['file', 'input_file', 'document', 'document_url', 'container_upload'] as const).map(
    (type): readonly [string, PartKind] => [type, 'file'],
  ),
  ['audio', 'audio'],
  ['audio_url', 'audio'],
  ['input_audio', 'audio'],
  ['video', 'video'],
  ['video_url', 'video'],
  ['input_video', 'video'],
]);

/** Items of a Responses input that hold all of their text. */
const ITEM_TYPES: ReadonlySet<unknown> = new Set([
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'local_shell_call',
  'local_shell_call_output',
  'shell_call',
  'shell_call_output',
  'apply_patch_call',
  'apply_patch_call_output',
  'computer_call',
  'computer_call_output',
]);

/** Walks over everything in a request that becomes part of the prompt. @internal */
export function contentTally(request: Pick<DecodedRequest, 'endpoint' | 'body'>): ContentTally {
  const counts: Counts = { parts: 0, images: 0, imageBytes: 0, unbounded: undefined };
  const { endpoint, body } = request;
  switch (endpoint) {
    case 'chat':
      for (const message of listOf(body['messages'])) countMessage(message, counts);
      break;
    case 'messages':
      countContent(body['system'], counts);
      for (const message of listOf(body['messages'])) countMessage(message, counts);
      break;
    case 'responses':
      countContent(body['instructions'], counts);
      if (typeof body['input'] === 'string') counts.parts += 1;
      else for (const item of listOf(body['input'])) countItem(item, counts);
      break;
    case 'embeddings':
      counts.parts = Array.isArray(body['input']) ? body['input'].length : 1;
      break;
    case 'count-tokens':
      break;
  }
  return counts;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function note(reason: UnboundedReason, counts: Counts): void {
  counts.unbounded ??= reason;
}

function countMessage(message: unknown, counts: Counts): void {
  counts.parts += 1;
  if (!isObject(message)) return note('unknown-content', counts);
  countContent(message['content'], counts);
  counts.parts += listOf(message['tool_calls']).length;
  // An answer that was spoken is given back by its id.
  if (!isAbsent(message['audio'])) note('audio', counts);
}

function countItem(item: unknown, counts: Counts): void {
  if (!isObject(item)) return note('unknown-content', counts);
  const { type } = item;
  if (isAbsent(type) || type === 'message') return countMessage(item, counts);
  counts.parts += 1;
  if (type === 'reasoning') {
    // Without its encrypted content the provider looks up by id what it keeps.
    const isWhole = typeof item['encrypted_content'] === 'string' || isAbsent(item['id']);
    return isWhole ? undefined : note('stored-conversation', counts);
  }
  if (type === 'item_reference') return note('stored-conversation', counts);
  if (!ITEM_TYPES.has(type)) return note('unknown-content', counts);
  if (type === 'function_call_output' || type === 'custom_tool_call_output')
    return countContent(item['output'], counts);
  if (type === 'computer_call_output') countPart(item['output'], counts);
}

/** Content is text, parts, or nothing. */
function countContent(content: unknown, counts: Counts): void {
  if (isAbsent(content)) return;
  counts.parts += 1;
  if (typeof content === 'string') return;
  if (!Array.isArray(content)) return note('unknown-content', counts);
  for (const part of content) countPart(part, counts);
}

function countPart(part: unknown, counts: Counts): void {
  counts.parts += 1;
  if (typeof part === 'string') return;
  const kind = isObject(part) ? PART_KINDS.get(part['type']) : undefined;
  if (kind === undefined || !isObject(part)) return note('unknown-content', counts);
  if (kind === 'image') return countImage(part, counts);
  if (kind !== 'text' && !isPlainDocument(part)) return note(kind, counts);
  if (part['type'] === 'tool_result' || part['type'] === 'search_result') countContent(part['content'], counts);
}

/** A document that is nothing but text. One that is cited from is cut into pieces, each with marks of its own. */
function isPlainDocument(part: JsonObject): boolean {
  if (part['type'] !== 'document') return false;
  const { source, citations } = part;
  if (isObject(citations) && citations['enabled'] === true) return false;
  return isObject(source) && source['type'] === 'text';
}

const IMAGE_DATA = /^data:image\/[\w.+-]+;base64,/i;

function countImage(part: JsonObject, counts: Counts): void {
  counts.images += 1;
  const { source } = part;
  if (isObject(source)) {
    if (source['type'] === 'base64' && typeof source['data'] === 'string') counts.imageBytes += source['data'].length;
    return;
  }
  const address = isObject(part['image_url']) ? part['image_url']['url'] : part['image_url'];
  if (typeof address !== 'string') return isAbsent(part['file_id']) ? note('unknown-content', counts) : undefined;
  if (IMAGE_DATA.test(address)) counts.imageBytes += address.length;
  // Some providers take sound and documents in the place of a picture.
  else if (!/^https?:/i.test(address)) note('file', counts);
}
