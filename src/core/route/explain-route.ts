import { askedOnce, CONDITION_TESTS, type RouteCall, type RouteCondition } from './match-route.ts';
import type { RouteMatch } from './route-rule.ts';

/** What a rule states of a call, and what the call is instead. @public */
export interface RouteMismatch {
  readonly condition: RouteCondition;
  /** As the rule has it, in words. */
  readonly wanted: string;
  /** As the call is, in words. */
  readonly actual: string;
}

/**
 * What became of a rule. `taken`: it takes the call. `passed`: something that it states does not hold. `behind`: it would take the call, were it not for
 * the one that does.
 * @public
 */
export interface RuleExplanation<Rule> {
  readonly rule: Rule;
  readonly verdict: 'taken' | 'passed' | 'behind';
  /** All that does not hold; empty unless passed. */
  readonly mismatches: readonly RouteMismatch[];
}

const CONDITIONS = Object.keys(CONDITION_TESTS) as readonly RouteCondition[];

/**
 * Says of each rule whether it takes a call, or why not. For people who wonder, not for every call: it looks at all rules and all that they state.
 * @public
 */
export function explainRoutes<Rule extends { readonly match: RouteMatch }>(
  rules: readonly Rule[],
  call: RouteCall,
): readonly RuleExplanation<Rule>[] {
  const asked = askedOnce(call);
  const mismatches = rules.map(({ match }) => mismatchesOf(match, asked));
  const taken = mismatches.findIndex((found) => found.length === 0);
  return rules.map((rule, index) => {
    const found = mismatches[index] ?? [];
    return { rule, verdict: found.length > 0 ? 'passed' : index === taken ? 'taken' : 'behind', mismatches: found };
  });
}

function mismatchesOf(match: RouteMatch, call: RouteCall): readonly RouteMismatch[] {
  const failed = CONDITIONS.filter((condition) => !CONDITION_TESTS[condition](match, call));
  return failed.map((condition) => ({
    condition,
    wanted: wantedBy(match, condition),
    actual: actualOf(call, match, condition),
  }));
}

function wantedBy(match: RouteMatch, condition: RouteCondition): string {
  switch (condition) {
    case 'endpoints':
    case 'models':
    case 'languages':
      return (match[condition] ?? []).join(', ');
    case 'tags':
      return Object.entries(match.tags ?? {})
        .map(([name, values]) => `${name}=${values.join('|')}`)
        .join(', ');
    case 'tools':
      return typeof match.tools === 'boolean' ? presence(match.tools) : (match.tools ?? []).join(', ');
    case 'schema':
      return presence(match.schema === true);
    case 'minInputTokens':
      return `at least ${match.minInputTokens ?? 0}`;
    case 'maxInputTokens':
      return `at most ${match.maxInputTokens ?? 0}`;
  }
}

function actualOf(call: RouteCall, match: RouteMatch, condition: RouteCondition): string {
  switch (condition) {
    case 'endpoints':
      return call.endpoint;
    case 'models':
      return call.model;
    case 'languages':
      return call.language() ?? 'unclear';
    case 'tags':
      return Object.keys(match.tags ?? {})
        .map((name) => (Object.hasOwn(call.tags, name) ? `${name}=${call.tags[name] ?? ''}` : `no ${name}`))
        .join(', ');
    case 'tools': {
      const names = call.toolNames();
      return names.length === 0 ? 'none' : names.join(', ');
    }
    case 'schema':
      return presence(call.hasSchema);
    case 'minInputTokens':
    case 'maxInputTokens':
      return String(call.inputTokens() ?? 'unknown');
  }
}

function presence(isThere: boolean): string {
  return isThere ? 'some' : 'none';
}
