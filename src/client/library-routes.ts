import type { QualityPolicy } from '../core/guard/quality-policy.ts';
import { DEFAULT_QUALITY, type Judge } from '../core/guard/quality-policy.ts';
import { FarthingError } from '../core/errors.ts';
import type { RouteMatch, RouteRule } from '../core/route/route-rule.ts';
import { readScoreModel } from '../core/score/read-score-model.ts';
import { reachableTargets } from '../core/route/reachable-targets.ts';
import { formatTarget, type Target } from '../core/model/target.ts';
import type { AnswerCheck, AnswerForm, AnswerTest } from '../core/verify/answer-check.ts';
import { versioned } from '../engine/routes/route-rules.ts';
import { readTarget } from './library-models.ts';

/** One thing that an answer is held to: a check by name, a pattern, a second answer, or a function of the program. @public */
export type LibraryCheck =
  | 'finish'
  | 'refusal'
  | 'empty'
  | 'json'
  | 'schema'
  | 'tools'
  | 'agree'
  /** A text is read with the flags `u` and `s`; an expression keeps its own. */
  | { readonly pattern: RegExp | string }
  | { readonly agree: { readonly with?: string; readonly form?: AnswerForm } }
  | AnswerTest;

/** How two answers are compared; see {@link Judge}. A function is asked of each of them. @public */
export type LibraryJudge =
  | 'exact'
  | 'schema'
  | 'tools'
  | { readonly exact: AnswerForm }
  | { readonly checks: readonly LibraryCheck[] }
  | { readonly model: string; readonly instructions?: string }
  | AnswerTest;

/** What quality a route may lose. @public */
export interface LibraryQuality extends Partial<Omit<QualityPolicy, 'judge' | 'maxQualityLoss'>> {
  /** Most mean loss against the last target over all calls of the route: 0.02 is two answers in a hundred. */
  readonly maxQualityLoss: number;
  /** @defaultValue 'exact' */
  readonly judge?: LibraryJudge;
}

/** A rule that picks targets, the first that matches wins. It has `targets` or a `cascade`. @public */
export type LibraryRoute = {
  /** Unique; 1 to 64 letters, digits, dots, dashes or underscores. */
  readonly name: string;
  /** Which calls it takes. @defaultValue all */
  readonly match?: RouteMatch;
  /** Asked when all targets have failed, written `provider/model`. @defaultValue none */
  readonly fallback?: readonly string[];
  /** @defaultValue the first target answers, and nobody watches */
  readonly quality?: LibraryQuality;
  /** Whether a conversation stays at its target while moving would cost more than it saves. @defaultValue true */
  readonly sticky?: boolean;
} & (
  | {
      /** In order of price, the last is the strong one; written `provider/model`. */
      readonly targets: readonly string[];
      /** A learnt score, parsed, as `farthing routes train` writes it. Needs two targets. @defaultValue none */
      readonly score?: { readonly model: unknown; readonly threshold?: number };
    }
  | {
      /** Asks `from`, checks what it says, and asks `to` where that will not do. */
      readonly cascade: {
        readonly from: string;
        readonly to: string | readonly string[];
        readonly verify: readonly LibraryCheck[];
      };
    }
);

const PLAIN_CHECKS: ReadonlySet<string> = new Set(['finish', 'refusal', 'empty', 'schema', 'tools']);

const ROUTE_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/**
 * Reads the routes of a library's options.
 * @param providers - names of those that there are.
 * @throws FarthingError `configuration` that names the route at fault.
 * @internal
 */
export function libraryRoutes(routes: readonly LibraryRoute[], providers: readonly string[]): readonly RouteRule[] {
  const names = new Set<string>();
  return routes.map((route) => {
    const { name } = route;
    if (!ROUTE_NAME.test(name) || name === 'off') throw fault(name, 'is not a name for a route');
    if (names.has(name)) throw fault(name, 'is the name of an earlier route');
    names.add(name);
    const rule = ruleOf(route);
    refuseStrangeTargets(rule, providers);
    return rule;
  });
}

function ruleOf(route: LibraryRoute): RouteRule {
  const { name, match = {}, fallback = [], quality, sticky = true } = route;
  const [first, ...others] = targetsOf(route);
  const score = 'targets' in route ? route.score : undefined;
  if (first === undefined) throw fault(name, 'has no target');
  if ('cascade' in route && others.length === 0) throw fault(name, 'has a cascade that leads nowhere');
  if (score !== undefined && others.length !== 1) throw fault(name, 'has a score, which needs two targets');
  if (quality !== undefined && others.length === 0) throw fault(name, 'has quality to keep, which needs two targets');
  return versioned({
    name,
    match,
    targets: [first, ...others],
    fallbacks: fallback.map(readTarget),
    cascade: 'cascade' in route ? { verify: route.cascade.verify.map((check) => checkOf(name, check)) } : undefined,
    quality: quality && qualityOf(name, quality),
    score: score && { model: readScoreModel(score.model), threshold: score.threshold },
    sticky,
  });
}

/** A route with a target that nobody can ask would take no call, or ask dearer ones, and nobody would know. */
function refuseStrangeTargets(rule: RouteRule, providers: readonly string[]): void {
  const { name, targets, fallbacks, quality } = rule;
  const judge = quality?.judge.kind === 'model' ? [quality.judge.target] : [];
  const strange = [...reachableTargets(rule), ...judge].find(({ provider }) => !providers.includes(provider));
  if (strange !== undefined)
    throw fault(
      name,
      `names ${formatTarget(strange)}, and there is no such provider; known are ${providers.join(', ')}`,
    );
  const written = [...targets, ...fallbacks].map(formatTarget);
  const twice = written.find((target, index) => written.indexOf(target) < index);
  if (twice !== undefined) throw fault(name, `lists ${twice} twice`);
}

function targetsOf(route: LibraryRoute): readonly Target[] {
  if ('targets' in route) return route.targets.map(readTarget);
  const { from, to } = route.cascade;
  return [from, ...(typeof to === 'string' ? [to] : to)].map(readTarget);
}

function qualityOf(name: string, { judge = 'exact', ...stated }: LibraryQuality): QualityPolicy {
  const quality = { ...DEFAULT_QUALITY, ...stated, judge: judgeOf(name, judge) };
  const { maxQualityLoss, confidenceRatio, calibrateRatio, sampleRatio } = quality;
  if (!(maxQualityLoss > 0 && maxQualityLoss < 1))
    throw fault(name, 'has a maxQualityLoss that is not between 0 and 1');
  if (!(confidenceRatio > 0.5 && confidenceRatio < 1))
    throw fault(name, 'has a confidenceRatio that is not between 0.5 and 1');
  if (![calibrateRatio, sampleRatio].every((ratio) => ratio >= 0 && ratio <= 1))
    throw fault(name, 'has a share that is not from 0 to 1');
  if (sampleRatio === 0) throw fault(name, 'has a sampleRatio of 0: nobody would see quality fall');
  return quality;
}

function judgeOf(name: string, judge: LibraryJudge): Judge {
  if (typeof judge === 'function') return { kind: 'test', test: judge };
  if (judge === 'exact') return { kind: 'exact', form: 'auto' };
  if (typeof judge === 'string') return { kind: 'checks', checks: [checkOf(name, judge)] };
  if ('exact' in judge) return { kind: 'exact', form: judge.exact };
  if ('checks' in judge) return { kind: 'checks', checks: judge.checks.map((check) => checkOf(name, check)) };
  return { kind: 'model', target: readTarget(judge.model), instructions: judge.instructions };
}

function checkOf(name: string, check: LibraryCheck): AnswerCheck {
  if (typeof check === 'function') return { kind: 'test', name: check.name, test: check };
  if (check === 'json') return { kind: 'json', always: true };
  if (check === 'agree') return { kind: 'agree', target: undefined, form: 'auto' };
  // A program without types may have written anything, and what is not known would let every answer pass.
  if (typeof check === 'string') {
    if (!PLAIN_CHECKS.has(check)) throw fault(name, `has a check that is not known: ${check}`);
    return { kind: check };
  }
  if ('pattern' in check) return patternOf(name, check.pattern);
  const { with: second, form = 'auto' } = check.agree;
  return { kind: 'agree', target: second === undefined ? undefined : readTarget(second), form };
}

/** One that cannot be read would match nothing, and every answer would fail. */
function patternOf(name: string, pattern: RegExp | string): AnswerCheck {
  if (typeof pattern !== 'string') return { kind: 'pattern', pattern: pattern.source, flags: pattern.flags };
  try {
    return { kind: 'pattern', pattern: new RegExp(pattern, 'us').source };
  } catch {
    throw fault(name, 'has a pattern that is no regular expression');
  }
}

function fault(name: string, what: string): FarthingError {
  return new FarthingError('configuration', `the route "${name}" ${what}`);
}
