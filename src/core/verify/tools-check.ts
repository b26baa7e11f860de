import type { SchemaValidator } from './answer-check.ts';
import { type AnsweredToolCall, type AnswerTerms, type AnswerView, ANY_TOOL } from './answer-view.ts';
import { parsedJson } from './parsed-json.ts';

/**
 * What is wrong with the tool calls of an answer: `no-tool-call` where one must be made, `unexpected-call` where none may be, `unknown-tool`, `arguments-not-json`,
 * `arguments-no-object`, `unexpected-argument`, or what the validator says of the arguments. Arguments without a schema are only held to be an object.
 * @internal
 */
export function toolsFault(answer: AnswerView, terms: AnswerTerms, validate: SchemaValidator): string | undefined {
  const { toolCalls } = answer;
  if (toolCalls.length === 0) return terms.mustCallTool ? 'no-tool-call' : undefined;
  if (terms.tools.length === 0 && terms.uncheckedTools.length === 0) return 'unexpected-call';
  for (const call of toolCalls) {
    const fault = callFault(call, terms, validate);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function callFault(call: AnsweredToolCall, terms: AnswerTerms, validate: SchemaValidator): string | undefined {
  const tool = terms.tools.find(({ name }) => name === call.name);
  const { uncheckedTools } = terms;
  if (tool === undefined) {
    return uncheckedTools.includes(call.name) || uncheckedTools.includes(ANY_TOOL) ? undefined : 'unknown-tool';
  }
  // A tool without parameters is called with an empty text by some models, and every client takes it.
  const parsed = call.argumentsText.trim() === '' ? { value: {} } : parsedJson(call.argumentsText);
  if (parsed === undefined) return 'arguments-not-json';
  if (!isFields(parsed.value)) return 'arguments-no-object';
  if (!isFields(tool.parameters)) return undefined;
  const reason = validate(tool.parameters, parsed.value)?.[0];
  if (reason !== undefined) return reason;
  return hasUnlisted(tool.parameters, parsed.value) ? 'unexpected-argument' : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Keywords beside `properties` that say which other arguments there may be. */
const OTHERWISE_LISTED = [
  'additionalProperties',
  'unevaluatedProperties',
  'patternProperties',
  'propertyNames',
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'if',
  'dependentSchemas',
  'dependencies',
];

/**
 * Whether there is an argument that the tool does not list. JSON Schema allows it where nothing is said of others, but functions do not: most fail on a name
 * that they do not know, or drop what the model wanted to say with it. A schema that says more than a plain list is taken at its word.
 */
function hasUnlisted(schema: Fields, values: Fields): boolean {
  const { properties } = schema;
  if (!isFields(properties) || OTHERWISE_LISTED.some((keyword) => schema[keyword] !== undefined)) return false;
  return Object.keys(values).some((name) => !Object.hasOwn(properties, name));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
