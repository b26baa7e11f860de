import type { SchemaValidator } from './answer-check.ts';
import type { AnswerTerms, AnswerView } from './answer-view.ts';
import { parsedJson } from './parsed-json.ts';

/**
 * What is wrong with the text by the JSON Schema that the request asks for: `not-json`, or the validator's first reason. Nothing where no schema is asked for, where
 * the schema cannot be used, or where the answer calls tools instead.
 * @internal
 */
export function schemaFault(answer: AnswerView, terms: AnswerTerms, validate: SchemaValidator): string | undefined {
  if (terms.schema === undefined) return undefined;
  if (answer.toolCalls.length > 0) return undefined;
  const parsed = parsedJson(answer.text);
  return parsed === undefined ? 'not-json' : validate(terms.schema, parsed.value)?.[0];
}
