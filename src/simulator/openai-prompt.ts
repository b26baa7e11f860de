import { createHash } from 'node:crypto';
import { asObject, asText, objectsOf, type JsonObject } from './json-value.ts';
import type { PromptSegment } from './rendered-prompt.ts';

/** Tokens of an image, whatever its size: a simplification. The digest keeps different images apart. */
const IMAGE_TOKENS = 256;

/** Prompt of a chat completion in OpenAI's order: tools, response format, messages. @internal */
export function chatSegments(body: JsonObject): readonly PromptSegment[] {
  const segments: PromptSegment[] = toolSegments(body['tools']);
  if (body['response_format'] !== undefined) segments.push(part(JSON.stringify(body['response_format'])));
  for (const message of objectsOf(body['messages'])) segments.push(...messageSegments(message));
  return segments;
}

/** Prompt of a Responses request: tools, text format, instructions, input. @internal */
export function responsesSegments(body: JsonObject): readonly PromptSegment[] {
  const segments: PromptSegment[] = toolSegments(body['tools']);
  if (body['text'] !== undefined) segments.push(part(JSON.stringify(body['text'])));
  const instructions = asText(body['instructions']);
  if (instructions !== undefined) segments.push(role('developer'), part(instructions));
  const input = body['input'];
  if (typeof input === 'string') return [...segments, role('user'), part(input)];
  for (const item of objectsOf(input)) {
    if (item['content'] !== undefined) segments.push(...messageSegments(item));
    else segments.push(role(asText(item['type']) ?? 'item'), part(JSON.stringify(item)));
  }
  return segments;
}

function toolSegments(tools: unknown): PromptSegment[] {
  return objectsOf(tools).map((tool) => part(JSON.stringify(tool)));
}

function messageSegments(message: JsonObject): PromptSegment[] {
  const segments: PromptSegment[] = [role(asText(message['role']) ?? 'user')];
  const content = message['content'];
  if (typeof content === 'string') segments.push(part(content));
  for (const item of objectsOf(content)) segments.push(contentSegment(item));
  if (message['tool_calls'] !== undefined) segments.push(part(JSON.stringify(message['tool_calls'])));
  return segments;
}

function contentSegment(item: JsonObject): PromptSegment {
  const breakpoint = asObject(item['prompt_cache_breakpoint']) === undefined ? undefined : ('30m' as const);
  const text = asText(item['text']) ?? asText(item['refusal']);
  return { kind: 'part', text: text ?? imageText(item), breakpoint };
}

/** A text that weighs {@link IMAGE_TOKENS} and differs with the content of the part. @internal */
export function imageText(item: JsonObject): string {
  return createHash('sha256')
    .update(JSON.stringify(item))
    .digest('hex')
    .padEnd(IMAGE_TOKENS * 4, '.');
}

function role(name: string): PromptSegment {
  return { kind: 'role', text: name };
}

function part(text: string): PromptSegment {
  return { kind: 'part', text };
}

/** The text of the last message or item that the caller wrote, for the simulator's own rules. @internal */
export function lastText(items: unknown): string {
  if (typeof items === 'string') return items;
  const last = objectsOf(items).at(-1);
  const content = last?.['content'];
  if (typeof content === 'string') return content;
  return asText(objectsOf(content).at(-1)?.['text']) ?? '';
}
