import type { DecodedRequest } from '../decoded-request.ts';
import { anthropicMessages } from './anthropic-blocks.ts';
import { chatMessages } from './chat-messages.ts';
import { formatPath } from './format-path.ts';
import { type PlacedMessage, PromptSource } from './prompt-source.ts';
import { promptSettings } from './prompt-settings.ts';
import { mustCallTool, promptTools } from './prompt-tools.ts';
import type { RequestPrompt } from './request-prompt.ts';
import { responseMessages } from './response-items.ts';

/**
 * Reads a request as a prompt. What is not known is an opaque block, never a guess, and never an error. Linear in the request.
 * @returns undefined for embeddings, which have no prompt.
 * @public
 */
export function promptOf(request: DecodedRequest): RequestPrompt | undefined {
  const known = prompts.get(request);
  if (known !== undefined) return known;
  const read = readPrompt(request);
  if (read !== undefined) prompts.set(request, read);
  return read;
}

/** Several steps read the same request. */
const prompts = new WeakMap<DecodedRequest, RequestPrompt>();

function readPrompt(request: DecodedRequest): RequestPrompt | undefined {
  const { endpoint, body } = request;
  if (endpoint === 'embeddings') return undefined;
  const source = new PromptSource(request);
  const messages = MESSAGE_READERS[endpoint](source);
  const { tools, paths } = promptTools(endpoint, source);
  const format = formatPath(request);
  return {
    prompt: {
      tools,
      mustCallTool: mustCallTool(body),
      ...promptSettings(body),
      messages: messages.map(({ role, name, blocks }) => ({ role, name, blocks: blocks.map(({ block }) => block) })),
      formatText: format === undefined ? undefined : source.minified(format),
    },
    tools: paths,
    messages: messages.map(({ path, blocks }) => ({ path, blocks: blocks.map(({ place }) => place) })),
  };
}

const MESSAGE_READERS: Readonly<
  Record<Exclude<DecodedRequest['endpoint'], 'embeddings'>, (source: PromptSource) => readonly PlacedMessage[]>
> = {
  chat: chatMessages,
  responses: responseMessages,
  messages: anthropicMessages,
  'count-tokens': anthropicMessages,
};
