import type { DecodedRequest } from '../decoded-request.ts';
import { isAbsent, isObject } from '../request-guards.ts';
import { listOf } from './prompt-source.ts';

/** What a request says about the choice among its tools. @public */
export interface ToolChoice {
  /** Whether it says anything. */
  readonly isStated: boolean;
  /** Tools that it names: the one to be called, or those that are allowed. */
  readonly names: readonly string[];
}

/** Reads `tool_choice`, and the `function_call` that chat had before it. @public */
export function chosenTools({ body }: Pick<DecodedRequest, 'body'>): ToolChoice {
  const choices = [body['tool_choice'], body['function_call']].filter((choice) => !isAbsent(choice));
  return { isStated: choices.length > 0, names: choices.flatMap(namesIn) };
}

/** Names in a choice: its own, its function's, or those of the tools that it allows. */
function namesIn(choice: unknown): readonly string[] {
  if (!isObject(choice)) return [];
  const { name, function: called, custom, allowed_tools: allowed, tools } = choice;
  const own = typeof name === 'string' ? [name] : [];
  const listed = [...listOf(tools), ...(isObject(allowed) ? listOf(allowed['tools']) : [])];
  return [...own, ...namesIn(called), ...namesIn(custom), ...listed.flatMap(namesIn)];
}
