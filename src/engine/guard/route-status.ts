import { type GuardReport, guardReport, type StepReport } from '../../core/guard/guard-report.ts';
import type { GuardState } from '../../core/guard/guard-state.ts';
import { formatTarget } from '../../core/model/target.ts';
import { formatUsd } from '../../core/money.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';

/** How one candidate of a route stands. @public */
export interface CandidateStatus {
  /** `provider/model`, or `cascade`. */
  readonly name: string;
  readonly isCertified: boolean;
  /** Up to which score its figures are told: that up to which it is certified, else the next to be. `all`: there is no score. */
  readonly threshold: number | 'all';
  /** Samples of the present round. */
  readonly samples: number;
  /** Undefined while there are no samples. */
  readonly meanLoss: number | undefined;
  /** The plain 95 % interval of the mean: right for one look, not for many. */
  readonly interval: readonly [low: number, high: number] | undefined;
  /** Evidence for a certificate, which takes `neededEValue`. */
  readonly eValue: number;
}

/** How a route that has quality to keep stands. @public */
export interface RouteStatus {
  readonly route: string;
  readonly policyVersion: string;
  /** `provider/model`, in order of price; the last is the strong one. */
  readonly targets: readonly string[];
  /** False: what is stored could not be read yet, so that all goes to the strong target. */
  readonly isLoaded: boolean;
  readonly candidates: readonly CandidateStatus[];
  readonly report: GuardReport;
}

/** What no figure of the guard says more than. Told beside them. @public */
export const GUARD_LIMITS: readonly string[] = [
  'The loss is a mean over all calls of the route: single answers may be worse.',
  "Quality is what the judge takes for it: a judge's mistakes and tastes are in the figures.",
  'It holds while the traffic stays as it was sampled; a change shows only once enough samples of it have come.',
  'Samples are counted as independent of each other: of conversations much longer than usual, and of those that several processes share, turns that are alike count twice.',
];

/** How a route stands by the state of its guard. @internal */
export function routeStatus(route: RouteRule, state: GuardState, isLoaded: boolean): RouteStatus {
  const report = guardReport(state);
  return {
    route: route.name,
    policyVersion: route.policyVersion,
    targets: route.targets.map(formatTarget),
    isLoaded,
    candidates: report.candidates.flatMap(({ id, steps }, index) => {
      const told = toldStep(steps, state.candidates[index]?.steps.findIndex(({ hasPassed }) => !hasPassed) ?? 0);
      return told === undefined ? [] : [candidateStatus(id, told)];
    }),
    report,
  };
}

function toldStep(steps: readonly StepReport[], firstOpen: number): StepReport | undefined {
  return steps.find(({ isCertified }) => isCertified) ?? steps[firstOpen] ?? steps.at(-1);
}

function candidateStatus(name: string, { isCertified, threshold, loss, eValue }: StepReport): CandidateStatus {
  return {
    name,
    isCertified,
    threshold,
    samples: loss?.samples ?? 0,
    meanLoss: loss?.mean,
    interval: loss === undefined ? undefined : [loss.low, loss.high],
    eValue,
  };
}

/** A status as JSON for people and programs: amounts are decimal dollars, times ISO 8601. @internal */
export function routeStatusJson({ route, policyVersion, targets, isLoaded, candidates, report }: RouteStatus): object {
  const { standing, spentNanoUsd, events, routed, candidates: _steps, ...facts } = report;
  const { kind, calibration } = standing;
  return {
    route,
    policyVersion,
    targets,
    isLoaded,
    standing: kind,
    since: standing.kind === 'calibrating' ? null : isoTime(standing.sinceMs),
    calibration,
    certified: standing.kind === 'certified' ? standing.candidate : null,
    threshold: standing.kind === 'certified' && standing.threshold !== 'all' ? standing.threshold : null,
    ...facts,
    candidates: candidates.map(({ meanLoss, interval, ...candidate }) => ({
      ...candidate,
      meanLoss: meanLoss ?? null,
      interval: interval ?? null,
    })),
    routed: {
      eValue: routed.eValue,
      alarmEValue: 1 / report.alpha,
      samples: routed.loss?.samples ?? 0,
      meanLoss: routed.loss?.mean ?? null,
    },
    guardCostUsd: formatUsd(spentNanoUsd),
    events: events.map(({ atMs, ...event }) => Object.assign({ at: isoTime(atMs) }, event)),
    limits: GUARD_LIMITS,
  };
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
