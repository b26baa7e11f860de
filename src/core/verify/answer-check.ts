import type { Target } from '../model/target.ts';
import type { AnswerTerms, AnswerView } from './answer-view.ts';

/** How answers are made comparable; `auto` finds the final answer of either kind itself. See `normalised-answer`. @public */
export type AnswerForm = 'auto' | 'text' | 'number' | 'choice' | 'json';

/**
 * A program's own check of an answer.
 * @param answer - what the model said.
 * @param request - the caller's body, parsed.
 * @returns whether the answer will do.
 * @public
 */
export type AnswerTest = (answer: AnswerView, request: Readonly<Record<string, unknown>>) => boolean | Promise<boolean>;

/**
 * One thing that an answer is held to.
 *
 * - `finish`: it came to its own end: neither cut at its output limit, nor paused, nor spoilt by a filter.
 * - `refusal`: it is no refusal, stated or worded as one.
 * - `empty`: it has a text or calls a tool; blanks are no text.
 * - `json`: its text is JSON, where the request asks for JSON. `always`: also where it does not.
 * - `schema`: its text has the JSON Schema that the request asks for.
 * - `tools`: it calls only tools that were offered, with arguments that have their schemas (required, types, none that is unexpected), and calls one where it must.
 * - `pattern`: its text matches a regular expression; without `flags` they are `u` and `s`.
 * - `agree`: a second answer says the same. `target` undefined: a second sample of the same target, at temperature 1.
 * - `test`: a program's own check.
 *
 * @public
 */
export type AnswerCheck =
  | { readonly kind: 'finish' | 'refusal' | 'empty' | 'schema' | 'tools' }
  | { readonly kind: 'json'; readonly always: boolean }
  | { readonly kind: 'pattern'; readonly pattern: string; readonly flags?: string }
  | { readonly kind: 'agree'; readonly target: Target | undefined; readonly form: AnswerForm }
  | { readonly kind: 'test'; readonly name: string; readonly test: AnswerTest };

/** What a check came to. `reason` is a code in kebab-case: `length`, `not-json`, `missing-argument`, `disagrees` ... @public */
export type CheckVerdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly check: AnswerCheck['kind']; readonly reason: string };

/**
 * Holds a value against a JSON Schema.
 * @returns reason codes in kebab-case of what is wrong, first the most telling; empty: nothing. Undefined: the schema cannot be used, so nothing can be said.
 * @public
 */
export type SchemaValidator = (schema: unknown, value: unknown) => readonly string[] | undefined;

/** A request as checks see it. @public */
export interface CheckedRequest {
  readonly terms: AnswerTerms;
  /** The caller's body, parsed. */
  readonly body: Readonly<Record<string, unknown>>;
}
