import type { PromptTool } from '../core/model/prompt.ts';
import type { AnswerTerms } from '../core/verify/answer-view.ts';
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
    uncheckedTools: others.flatMap(({ name }) => (name === 'computer_use_preview' ? [name, 'computer'] : [name])),
    // A tool that runs at the provider may be what was called: the reply then holds no call that is left to answer.
    mustCallTool:
      prompt?.mustCallTool === true && functions.length > 0 && !others.some(({ kind }) => kind === 'hosted'),
    ...formatTerms(request),
  };
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
