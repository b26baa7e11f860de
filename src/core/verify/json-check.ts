import type { AnswerView } from './answer-view.ts';
import { parsedJson } from './parsed-json.ts';

/**
 * `not-json` where the text is no JSON. Strict: white space around it is fine; a code fence or words around it are not, since the program that gets it would not be
 * able to parse it either. An answer that calls tools is not the final one, and words beside the calls are usual.
 * @internal
 */
export function jsonFault({ text, toolCalls }: AnswerView): string | undefined {
  if (toolCalls.length > 0) return undefined;
  return parsedJson(text) === undefined ? 'not-json' : undefined;
}
