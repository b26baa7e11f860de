import type { DecodedRequest } from '../decoded-request.ts';
import { isObject } from '../request-guards.ts';
import { valueAt } from './format-path.ts';
import { listOf } from './prompt-source.ts';
import type { RequestPrompt } from './request-prompt.ts';

/** The parts of a prompt in the order in which providers build and cache it. @public */
export type PrefixLevel = 'tools' | 'system' | 'messages';

/**
 * What else of a request, beside its blocks, decides whether a cached prefix is found, by the first level that a change of it makes the provider read anew.
 * @internal
 */
export type PrefixSettings = Readonly<Record<PrefixLevel, string>>;

/** @internal */
export function prefixSettings(request: DecodedRequest, { prompt }: RequestPrompt): PrefixSettings {
  const isAnthropic = request.endpoint === 'messages' || request.endpoint === 'count-tokens';
  return isAnthropic ? anthropicSettings(request.body, prompt) : openAiSettings(request, prompt);
}

/**
 * The table "What invalidates the cache" of platform.claude.com/docs/en/build-with-claude/prompt-caching (as of August 2026): tools void all; citations and
 * speed the system prompt and what is behind it; `tool_choice`, images anywhere, thinking and effort the messages. Thinking and effort void tools and system as well on
 * some models (measured on Opus 5: anthropics/claude-code issue 92444), so a prefix that ends in those may be colder than it seems. The format of the answer adds a system prompt
 * (page "Structured outputs"), servers of tools add tools, skills are listed in the system prompt.
 *
 * Not modelled: thinking that older models strip, and an effort that is the model's default written out.
 */
function anthropicSettings(
  body: DecodedRequest['body'],
  { formatText, messages }: RequestPrompt['prompt'],
): PrefixSettings {
  const servers = listOf(body['mcp_servers']).map((server) => [valueAt(server, ['name']), valueAt(server, ['url'])]);
  const hasImages = messages.some(({ blocks }) => blocks.some(({ kind }) => kind === 'image'));
  return {
    tools: settingsText({ servers: servers.length > 0 ? servers : undefined }),
    system: settingsText({
      speed: body['speed'],
      citations: citesDocuments(body) || undefined,
      format: formatText,
      skills: valueAt(body, ['container', 'skills']),
    }),
    messages: settingsText({
      tool_choice: body['tool_choice'],
      thinking: body['thinking'],
      effort: valueAt(body, ['output_config', 'effort']),
      images: hasImages || undefined,
    }),
  };
}

/**
 * A schema for the answer stands before the system message (OpenAI's guide to prompt caching, "Structured outputs"). So does the effort of reasoning: a change of it
 * misses the cache (openai/codex issue 35416, 2026-07; the cookbook's "Prompt Caching 201" lists it). Verbosity is written in the same place, as far as is known.
 */
function openAiSettings({ endpoint, body }: DecodedRequest, { formatText }: RequestPrompt['prompt']): PrefixSettings {
  const isChat = endpoint === 'chat';
  return {
    tools: settingsText({
      format: formatText,
      effort: isChat ? body['reasoning_effort'] : valueAt(body, ['reasoning', 'effort']),
      verbosity: isChat ? body['verbosity'] : valueAt(body, ['text', 'verbosity']),
    }),
    system: '',
    messages: '',
  };
}

/** `''` where nothing is set, so that what nobody sets leaves keys as they are. */
function settingsText(settings: Readonly<Record<string, unknown>>): string {
  const isSet = Object.values(settings).some((value) => value !== undefined && value !== null);
  return isSet ? JSON.stringify(settings) : '';
}

function citesDocuments(body: DecodedRequest['body']): boolean {
  return listOf(body['messages']).some((message) =>
    listOf(valueAt(message, ['content'])).some((block) => {
      const citations = valueAt(block, ['citations']);
      return isObject(citations) && citations['enabled'] === true;
    }),
  );
}
