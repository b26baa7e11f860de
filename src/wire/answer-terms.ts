import type { PromptTool } from '../core/model/prompt.ts';
import { type AnswerTerms, ANY_TOOL } from '../core/verify/answer-view.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { chosenTools } from './prompt/chosen-tools.ts';
import { promptOf } from './prompt/prompt-of.ts';
import { isObject, type JsonObject } from './request-guards.ts';
import { structuredFormat } from './structured-format.ts';

/** What a request says about the answer that it wants: its tools, as far as they may be called, and its format. @internal */
export function answerTerms(request: DecodedRequest): AnswerTerms {
  const prompt = promptOf(request)?.prompt;
  const isBarred = prompt?.mustNotCallTool === true || request.body['function_call'] === 'none';
  const offered = prompt === undefined || isBarred ? [] : allowedTools(request, prompt.tools);
  const functions = offered.filter(({ kind }) => kind === 'function');
  const others = offered.filter(({ kind }) => kind !== 'function');
  return {
    tools: functions.map(({ name, parameters }) => ({ name, parameters })),
    uncheckedTools: isBarred
      ? []
      : [...others.flatMap(({ name }) => calledNames(name)), ...unlistedTools(request.body)],
    // A tool that runs at the provider may be what was called: the reply then holds no call that is left to answer.
    mustCallTool:
      prompt?.mustCallTool === true && functions.length > 0 && !others.some(({ kind }) => kind === 'hosted'),
    ...formatTerms(request),
  };
}

/** By which names calls of a tool of the provider's come. */
function calledNames(tool: string): readonly string[] {
  return tool === 'computer_use_preview' ? [tool, 'computer'] : [tool];
}

/** Members of a response request that bring tools along which stand elsewhere: with an earlier response, a conversation, or a stored prompt. */
const STORED = ['previous_response_id', 'conversation', 'prompt'];
/** Tools and items by which further tools are found on the way. */
const FINDERS: ReadonlySet<unknown> = new Set([
  'tool_search',
  'tool_search_output',
  'mcp_list_tools',
  'additional_tools',
]);

/** `*` where there may be tools that the request does not list. */
function unlistedTools({ input, tools, ...body }: JsonObject): readonly string[] {
  const listed = [input, tools].flatMap((list: unknown): readonly unknown[] => (Array.isArray(list) ? list : []));
  const isOpen =
    STORED.some((name) => isObject(body[name]) || typeof body[name] === 'string') ||
    listed.some((item) => isObject(item) && FINDERS.has(item['type']));
  return isOpen ? [ANY_TOOL] : [];
}

/** Those that the request's choice names, where it names any. */
function allowedTools(request: DecodedRequest, tools: readonly PromptTool[]): readonly PromptTool[] {
  const { names } = chosenTools(request);
  return names.length === 0 ? tools : tools.filter(({ kind, name }) => kind === 'hosted' || names.includes(name));
}

/** JSON is what the formats of all three protocols come to, but for free grammars, which nothing is known of. */
function formatTerms(request: DecodedRequest): Pick<AnswerTerms, 'wantsJson' | 'schema'> {
  const format = formatOf(request.body);
  const type = format?.['type'];
  if (type !== 'json_object' && type !== 'json_schema') return { wantsJson: false, schema: undefined };
  // Together, Fireworks and others take the schema beside `json_object`.
  const schema = structuredFormat(request)?.schema ?? format?.['schema'];
  return { wantsJson: true, schema: isObject(schema) ? schema : undefined };
}

function formatOf({
  response_format: chat,
  text,
  output_config: messages,
  output_format: beta,
}: JsonObject): JsonObject | undefined {
  const nested = [text, messages].map((settings) => (isObject(settings) ? settings['format'] : undefined));
  return [chat, ...nested, beta].find(isObject);
}
