import type { DecodedRequest } from '../decoded-request.ts';
import { isObject, type JsonObject } from '../request-guards.ts';
import { valueAt } from './format-path.ts';
import type { JsonPath } from './json-ranges.ts';
import { listOf, typeOf } from './prompt-source.ts';

/** Blocks that Anthropic takes `cache_control` on (@anthropic-ai/sdk 1.12, the `…BlockParam` types): not thinking, and nothing that is not known here. */
const ANTHROPIC_BLOCKS: ReadonlySet<string> = new Set([
  'text',
  'image',
  'document',
  'search_result',
  'tool_use',
  'tool_result',
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'container_upload',
]);

/** Parts that OpenAI takes `prompt_cache_breakpoint` on (openai 7, the types of content parts). */
const OPENAI_PARTS: Readonly<Record<'chat' | 'responses', ReadonlySet<string>>> = {
  chat: new Set(['text', 'image_url', 'input_audio', 'file']),
  responses: new Set(['input_text', 'input_image', 'input_file']),
};

/**
 * Where a cache breakpoint can be put that ends the prefix behind a block, for an edit of the kind `mark`. The provider's own rules decide: it refuses a request
 * with a breakpoint elsewhere, or on an empty text.
 * @param path - of the block as {@link prefixPieces} has it.
 * @returns undefined where none can be.
 * @internal
 */
export function markPath({ endpoint, body }: DecodedRequest, path: JsonPath): JsonPath | undefined {
  const value = valueAt(body, path);
  if (endpoint === 'messages' || endpoint === 'count-tokens') return isAnthropicPlace(value, path) ? path : undefined;
  if (endpoint === 'embeddings' || path[0] === 'tools' || path[0] === 'functions') return undefined;
  const message = valueAt(body, path.slice(0, 2));
  if (endpoint === 'chat') return chatPlace(value, isObject(message) ? message : {}, path);
  return responsesPlace(value, isObject(message) ? message : {}, path);
}

function isAnthropicPlace(value: unknown, path: JsonPath): boolean {
  // The definition of a tool takes one whatever its type.
  if (path[0] === 'tools') return isObject(value);
  return isObject(value) ? ANTHROPIC_BLOCKS.has(typeOf(value)) && value['text'] !== '' : isFilledText(value);
}

function chatPlace(value: unknown, message: JsonObject, path: JsonPath): JsonPath | undefined {
  // A function's result can be nothing but a string.
  if (message['role'] === 'function') return undefined;
  if (path.length === 2) return contentPlace(message['content'], [...path, 'content'], 'chat');
  return path[2] === 'content' ? partPlace(value, path, 'chat') : undefined;
}

function responsesPlace(value: unknown, item: JsonObject, path: JsonPath): JsonPath | undefined {
  if (path[0] !== 'input') return undefined;
  if (path.length === 1) return isFilledText(value) ? path : undefined;
  const type = typeOf(item);
  if (type === 'function_call_output' || type === 'custom_tool_call_output') {
    return contentPlace(item['output'], [...path, 'output'], 'responses');
  }
  // What the model said is given back in parts that take none.
  return path[2] === 'content' && item['role'] !== 'assistant' ? partPlace(value, path, 'responses') : undefined;
}

/** Content as a string, or the last of its parts. */
function contentPlace(content: unknown, path: JsonPath, endpoint: 'chat' | 'responses'): JsonPath | undefined {
  if (typeof content === 'string') return partPlace(content, path, endpoint);
  const last = listOf(content).length - 1;
  return last < 0 ? undefined : partPlace(listOf(content)[last], [...path, last], endpoint);
}

function partPlace(part: unknown, path: JsonPath, endpoint: 'chat' | 'responses'): JsonPath | undefined {
  if (!isObject(part)) return isFilledText(part) ? path : undefined;
  return OPENAI_PARTS[endpoint].has(typeOf(part)) && part['text'] !== '' ? path : undefined;
}

function isFilledText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
