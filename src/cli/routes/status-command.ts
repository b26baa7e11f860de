import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { GuardBook } from '../../engine/guard/guard-book.ts';
import {
  type CandidateStatus,
  GUARD_LIMITS,
  type RouteStatus,
  routeStatusJson,
} from '../../engine/guard/route-status.ts';
import { routeRules } from '../../engine/routes/route-rules.ts';
import { systemClock } from '../../engine/system-ports.ts';
import { commandSettings } from '../command-storage.ts';
import { addDataOptions, type DataOptions } from '../data-folder.ts';
import { openStates } from '../open-states.ts';
import { plainTable } from '../plain-table.ts';
import { shortUsd } from '../short-usd.ts';

interface StatusOptions extends DataOptions {
  readonly json?: boolean;
}

/** For how long a person at a terminal waits for what is stored, in milliseconds. */
const PATIENCE_MS = 5000;

const HEADERS = ['route', 'candidate', 'standing', 'since', 'samples', 'mean loss', '95 %', 'allowed', 'evidence'];
const RIGHT: ReadonlySet<string> = new Set(['samples', 'mean loss', 'allowed', 'evidence']);

/** Adds `farthing routes status`. @internal */
export function registerStatus(routes: Command): void {
  addDataOptions(
    routes.command('status').description('Print what the guard has certified, on what evidence, and what that costs'),
  )
    .option('--json', 'print JSON')
    .action(statusCommand);
}

async function statusCommand({ json, ...data }: StatusOptions): Promise<void> {
  const statuses = await storedStatuses(data);
  if (json === true) return console.log(JSON.stringify({ routes: statuses.map(routeStatusJson) }, undefined, 2));
  if (statuses.length === 0) return console.log('No route of the configuration has `quality`: nothing is guarded.');
  console.log(tableOf(statuses));
  for (const line of [...costLines(statuses), ...happeningLines(statuses)]) console.log(line);
  console.log(`\nLimits:\n${GUARD_LIMITS.map((limit) => `- ${limit}`).join('\n')}`);
}

/** As a gateway of this configuration would tell it. */
async function storedStatuses(data: DataOptions): Promise<readonly RouteStatus[]> {
  const { config } = await commandSettings(data);
  const routes = routeRules(config.routes, (path) => readFileSync(path, 'utf8'));
  const opened = await openStates(data);
  const faults: unknown[] = [];
  const events = { emit: (event: object) => void ('error' in event && faults.push(event.error)) };
  try {
    const book = new GuardBook({ routes, store: opened?.store, clock: systemClock, events });
    await book.load(PATIENCE_MS);
    for (const fault of faults) console.error(`note: what gateways have learnt cannot be read: ${String(fault)}`);
    return book.statuses();
  } finally {
    await opened?.close();
  }
}

function tableOf(statuses: readonly RouteStatus[]): string {
  const rows = statuses.flatMap((status) => status.candidates.map((candidate) => rowOf(status, candidate)));
  return plainTable(HEADERS, rows, { align: HEADERS.map((header) => (RIGHT.has(header) ? 'right' : 'left')) });
}

function rowOf({ route, report, isLoaded }: RouteStatus, candidate: CandidateStatus): readonly string[] {
  const { standing, neededEValue, routed, alpha, maxQualityLoss } = report;
  const { name, isCertified, samples, meanLoss, interval, eValue, threshold } = candidate;
  const certified = threshold === 'all' ? 'certified' : `certified up to ${threshold}`;
  const open = standing.kind === 'certified' ? 'calibrating' : standing.kind;
  return [
    route,
    name,
    isLoaded ? (isCertified ? certified : open) : 'unknown',
    isCertified && standing.kind === 'certified' ? isoTime(standing.sinceMs) : '-',
    String(samples),
    meanLoss === undefined ? '-' : share(meanLoss),
    interval === undefined ? '-' : `${share(interval[0])} to ${share(interval[1])}`,
    share(maxQualityLoss),
    isCertified
      ? `${partOf(routed.eValue, 1 / alpha)} of an alarm`
      : `${partOf(eValue, neededEValue)} of a certificate`,
  ];
}

/** On the scale of evidence, which is that of logarithms: half of what it takes is half of the samples. */
function partOf(eValue: number, needed: number): string {
  const part = Math.log(Math.max(eValue, 1)) / Math.log(needed);
  return `${Math.floor(Math.min(part, 1) * 100)} %`;
}

function costLines(statuses: readonly RouteStatus[]): readonly string[] {
  return [
    '',
    ...statuses.map(
      ({ route, report }) =>
        `${route}: ${report.allSamples} samples have cost $${shortUsd(report.spentNanoUsd)}, in calibration ${report.standing.calibration}`,
    ),
  ];
}

function happeningLines(statuses: readonly RouteStatus[]): readonly string[] {
  const all = statuses.flatMap(({ route, report }) => report.events.map((event) => ({ route, ...event })));
  const lines = all
    .toSorted((left, right) => left.atMs - right.atMs)
    .map(
      ({ atMs, route, kind, candidate, samples, meanLoss }) =>
        `${isoTime(atMs)}  ${route}: ${candidate} ${kind === 'alarm' ? 'has fallen' : 'certified'} after ${samples} samples, mean loss ${share(meanLoss)}`,
    );
  return lines.length === 0 ? [] : ['', ...lines];
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

function share(ratio: number): string {
  return ratio.toFixed(3);
}
