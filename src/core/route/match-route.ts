import type { Tags } from '../model/caller.ts';
import type { Endpoint } from '../model/protocol.ts';
import type { RouteMatch } from './route-rule.ts';

/**
 * A call as rules see it. What takes work to find out is asked only where a rule needs it, and once a call at most.
 * @public
 */
export interface RouteCall {
  /** As the caller asks for it. */
  readonly model: string;
  readonly tags: Tags;
  readonly endpoint: Endpoint;
  /** Names of the tools that are offered. */
  readonly toolNames: () => readonly string[];
  /** Whether the answer must have a JSON Schema. */
  readonly hasSchema: boolean;
  /** Estimated; undefined where nothing can be counted, which lies within no bounds. */
  readonly inputTokens: () => number | undefined;
  /** ISO 639-1, of the user's latest text; undefined where it is not clear, which is none of the languages that a rule names. */
  readonly language: () => string | undefined;
}

/** One of the things that a rule may state of a call. @public */
export type RouteCondition = keyof RouteMatch;

/** Whether a call is what a rule states by one of its conditions; a rule that states nothing by it takes any. @internal */
type ConditionTest = (match: RouteMatch, call: RouteCall) => boolean;

/** By rising cost, so that what takes work is asked last. @internal */
export const CONDITION_TESTS: { readonly [Condition in RouteCondition]-?: ConditionTest } = {
  endpoints: ({ endpoints }, { endpoint }) => endpoints === undefined || endpoints.includes(endpoint),
  models: ({ models }, { model }) => models === undefined || isLikeOne(models, model),
  tags: (match, { tags }) => match.tags === undefined || hasTags(match.tags, tags),
  schema: ({ schema }, call) => schema === undefined || schema === call.hasSchema,
  tools: ({ tools }, call) => tools === undefined || offers(tools, call.toolNames()),
  minInputTokens: ({ minInputTokens }, call) =>
    minInputTokens === undefined || (call.inputTokens() ?? -Infinity) >= minInputTokens,
  maxInputTokens: ({ maxInputTokens }, call) =>
    maxInputTokens === undefined || (call.inputTokens() ?? Infinity) <= maxInputTokens,
  languages: ({ languages }, call) => languages === undefined || speaksOne(languages, call.language()),
};

/**
 * Finds the rule that takes a call: the first one of which all that it states holds.
 * @returns undefined: none does.
 * @public
 */
export function matchRoute<Rule extends { readonly match: RouteMatch }>(
  rules: readonly Rule[],
  call: RouteCall,
): Rule | undefined {
  if (rules.length === 0) return undefined;
  const asked = askedOnce(call);
  for (const rule of rules) {
    if (takes(rule.match, asked)) return rule;
  }
  return undefined;
}

/** Every call meets every rule: a chain by name is three times as fast as a walk over the table. */
function takes(match: RouteMatch, call: RouteCall): boolean {
  return (
    CONDITION_TESTS.endpoints(match, call) &&
    CONDITION_TESTS.models(match, call) &&
    CONDITION_TESTS.tags(match, call) &&
    CONDITION_TESTS.schema(match, call) &&
    CONDITION_TESTS.tools(match, call) &&
    CONDITION_TESTS.minInputTokens(match, call) &&
    CONDITION_TESTS.maxInputTokens(match, call) &&
    CONDITION_TESTS.languages(match, call)
  );
}

/** The same call, whose answers are remembered. @internal */
export function askedOnce(call: RouteCall): RouteCall {
  let tools: readonly string[] | undefined;
  let tokens: { readonly count: number | undefined } | undefined;
  let spoken: { readonly code: string | undefined } | undefined;
  return {
    model: call.model,
    tags: call.tags,
    endpoint: call.endpoint,
    // May be a getter that reads the request.
    get hasSchema() {
      return call.hasSchema;
    },
    toolNames: () => (tools ??= call.toolNames()),
    inputTokens: () => (tokens ??= { count: call.inputTokens() }).count,
    language: () => (spoken ??= { code: call.language() }).code,
  };
}

function isLikeOne(patterns: readonly string[], model: string): boolean {
  for (const pattern of patterns) {
    if (pattern === model || (pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1)))) return true;
  }
  return false;
}

function hasTags(wanted: Readonly<Record<string, readonly string[]>>, tags: Tags): boolean {
  // Without a list of names, which would be most of what matching costs.
  for (const name in wanted) {
    const value = Object.hasOwn(tags, name) ? tags[name] : undefined;
    if (value === undefined || !hasValue(wanted[name] ?? [], value)) return false;
  }
  return true;
}

function hasValue(wanted: readonly string[], value: string): boolean {
  return wanted.includes(value) || wanted.includes('*');
}

function speaksOne(wanted: readonly string[], language: string | undefined): boolean {
  return language !== undefined && wanted.includes(language);
}

function offers(wanted: boolean | readonly string[], names: readonly string[]): boolean {
  return typeof wanted === 'boolean' ? wanted === names.length > 0 : wanted.some((name) => names.includes(name));
}
