import type { RouteReason } from '../../core/model/route-facts.ts';
import { formatUsd } from '../../core/money.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';
import { plainTable } from '../plain-table.ts';
import { shortUsd } from '../short-usd.ts';
import { REASONS } from './explained-route.ts';
import type { RouteTrial, TrialFault, TrialRow } from './route-trial.ts';

const HEADERS = ['route', 'because', 'target', 'calls', 'then $', 'would $', 'difference $', '%'];
const ALIGN = HEADERS.map((_, column) => (column >= 3 ? 'right' : 'left'));
const SHOWN_FAULTS = 20;
const QUALITY =
  'Money only: whether the answers would have been as good is what the guard (quality: of a route) and farthing replay say.';

/** What `farthing routes test` prints. @internal */
export function trialText(trial: RouteTrial, rules: readonly RouteRule[]): string {
  const { rows, calls } = trial;
  const sorted = rows.toSorted(
    (left, right) => placeOf(left, rules) - placeOf(right, rules) || right.calls - left.calls,
  );
  const all = totalOf(rows);
  const table = plainTable(HEADERS, [...sorted.map(rowCells), rowCells(all)], { align: ALIGN });
  const unrouted = rows.filter(({ route }) => route === '').reduce((sum, row) => sum + row.calls, 0);
  return [
    calls === 0 ? 'No call could be tried.' : table,
    ...(calls === 0 ? [] : [`${calls} calls, ${unrouted} of which no route takes.`]),
    ...remarks(trial, all),
    ...faultLines(trial.faults),
    QUALITY,
  ].join('\n');
}

function placeOf({ route }: TrialRow, rules: readonly RouteRule[]): number {
  const place = rules.findIndex(({ name }) => name === route);
  return place === -1 ? rules.length : place;
}

function rowCells({ route, reason, target, calls, thenNanoUsd, wouldNanoUsd }: TrialRow): readonly string[] {
  const difference = wouldNanoUsd - thenNanoUsd;
  return [
    route === '' ? '(none)' : route,
    reason === '' ? 'no rule' : reason,
    target === '' ? 'as it was' : target,
    String(calls),
    shortUsd(thenNanoUsd),
    shortUsd(wouldNanoUsd),
    shortUsd(difference),
    thenNanoUsd === 0n ? '-' : ((100 * Number(difference)) / Number(thenNanoUsd)).toFixed(1),
  ];
}

function totalOf(rows: readonly TrialRow[]): TrialRow {
  const total: TrialRow = {
    route: 'all',
    reason: '-',
    target: '-',
    calls: 0,
    unpriced: 0,
    thenNanoUsd: 0n,
    wouldNanoUsd: 0n,
  };
  for (const row of rows) {
    total.calls += row.calls;
    total.unpriced += row.unpriced;
    total.thenNanoUsd += row.thenNanoUsd;
    total.wouldNanoUsd += row.wouldNanoUsd;
  }
  return total;
}

function remarks({ rows, calls, logged, repeated, unanswered }: RouteTrial, all: TrialRow): readonly string[] {
  const reasons = [...new Set(rows.map(({ reason }) => reason))].filter((reason) => reason !== '');
  return [
    ...reasons.map((reason) => `${reason}: ${REASONS[reason as RouteReason]}`),
    ...(logged > 0
      ? [
          'Logged calls are priced with the tokens that they had, which another vocabulary counts otherwise, and with as warm a cache.',
        ]
      : []),
    ...(calls > logged
      ? [
          `${calls - logged} calls have no answer in the file: "then" is the model that they ask for, tokens are estimated.`,
        ]
      : []),
    ...(reasons.includes('cascade') ? ['Cascades are without what is escalated: that shows with answers only.'] : []),
    ...(all.unpriced > 0 ? [`${all.unpriced} calls have no price there or then, and are in no sum.`] : []),
    ...(repeated > 0 ? [`${repeated} lines repeat a call.`] : []),
    ...(unanswered > 0 ? [`${unanswered} calls got no answer then, and are left out.`] : []),
  ];
}

function faultLines(faults: readonly TrialFault[]): readonly string[] {
  const shown = faults.slice(0, SHOWN_FAULTS).map(({ line, problem }) => `line ${line}: ${problem}`);
  return faults.length > SHOWN_FAULTS ? [...shown, `... and ${faults.length - SHOWN_FAULTS} lines more`] : shown;
}

/** The same as JSON. @internal */
export function trialJson(trial: RouteTrial): string {
  const { rows, faults, ...counts } = trial;
  return JSON.stringify(
    {
      ...counts,
      rows: rows.map(jsonRow),
      total: jsonRow(totalOf(rows)),
      faults,
      note: QUALITY,
    },
    undefined,
    2,
  );
}

function jsonRow({ route, reason, target, calls, unpriced, thenNanoUsd, wouldNanoUsd }: TrialRow): object {
  return {
    route: route === '' ? null : route,
    reason: reason === '' ? null : reason,
    target: target === '' ? null : target,
    calls,
    unpriced,
    thenUsd: formatUsd(thenNanoUsd),
    wouldUsd: formatUsd(wouldNanoUsd),
    differenceUsd: formatUsd(wouldNanoUsd - thenNanoUsd),
  };
}
