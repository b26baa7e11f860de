import { isFarthingError } from '../../core/errors.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { type Usage, usageOf } from '../../core/model/usage.ts';
import type { NanoUsd } from '../../core/money.ts';
import type { DryPlan, DryRouting } from './dry-routing.ts';
import { type RouteLine, routeLine } from './route-line.ts';
import type { NumberedLine } from './route-lines.ts';

/** Calls that went the same way. @internal */
export interface TrialRow {
  /** Empty: no route took them. */
  readonly route: string;
  readonly reason: string;
  readonly target: string;
  calls: number;
  /** Calls without a price there or then: in no sum. */
  unpriced: number;
  /** What they cost then, or would as asked. */
  thenNanoUsd: bigint;
  /** What they would have cost. */
  wouldNanoUsd: bigint;
}

/** A line that could not be used. @internal */
export interface TrialFault {
  readonly line: number;
  readonly problem: string;
}

/** What became of a log under routes. @internal */
export interface RouteTrial {
  readonly rows: readonly TrialRow[];
  readonly faults: readonly TrialFault[];
  readonly calls: number;
  /** Calls of which a log tells what they cost. */
  readonly logged: number;
  /** Lines of a call that stood there before. */
  readonly repeated: number;
  /** Logged calls that nothing answered. */
  readonly unanswered: number;
}

/** What is taken of calls that say nothing of their answer. @internal */
export interface TrialOptions {
  /** Output tokens of a call that was only written down. */
  readonly outputTokens: number;
}

/** Faults that are kept: more of them say nothing more. */
const MAX_FAULTS = 1000;

/** Buckets that a provider without a price for its cache bills as plain input. */
const CACHED = { cacheRead: 0, cacheWrite5m: 0, cacheWrite30m: 0, cacheWrite1h: 0 } as const;

/** Routes each call of a log, in its order, and adds up what that would have cost. @internal */
export async function routeTrial(
  routing: DryRouting,
  lines: AsyncIterable<NumberedLine>,
  options: TrialOptions,
): Promise<RouteTrial> {
  const rows = new Map<string, TrialRow>();
  const faults: TrialFault[] = [];
  const seen = new Set<string>();
  const counts = { calls: 0, logged: 0, repeated: 0, unanswered: 0 };
  for await (const { number, text } of lines) {
    const line = routeLine(text);
    if ('problem' in line) {
      if (faults.length < MAX_FAULTS) faults.push({ line: number, problem: line.problem });
      continue;
    }
    if (line.callId !== undefined && seen.has(line.callId)) {
      counts.repeated += 1;
      continue;
    }
    if (line.callId !== undefined) seen.add(line.callId);
    if (line.answer !== undefined && line.answer.target === undefined) {
      counts.unanswered += 1;
      continue;
    }
    const problem = await tried(routing, line, options, rows);
    if (problem === undefined) counts.calls += 1;
    else if (faults.length < MAX_FAULTS) faults.push({ line: number, problem });
    if (problem === undefined && line.answer !== undefined) counts.logged += 1;
  }
  return { rows: [...rows.values()], faults, ...counts };
}

/** Undefined: it went well. */
async function tried(
  routing: DryRouting,
  line: RouteLine,
  options: TrialOptions,
  rows: Map<string, TrialRow>,
): Promise<string | undefined> {
  try {
    const plan = await routing.plan({ ...line, atMs: line.atMs ?? 0 });
    const usage = line.answer?.usage ?? (await estimatedUsage(routing, plan, options));
    const [target] = plan.plan.targets;
    addTo(rows, plan, costsOf(routing, line, plan, usage));
    routing.note(plan, target, usage);
    return undefined;
  } catch (error) {
    if (isFarthingError(error)) return `would be refused: ${error.message}`;
    throw error;
  }
}

interface TrialCosts {
  readonly was: NanoUsd | undefined;
  readonly would: NanoUsd | undefined;
}

function costsOf(routing: DryRouting, { answer, atMs }: RouteLine, { plan, call }: DryPlan, usage: Usage): TrialCosts {
  const at = atMs ?? call.arrivedAtMs;
  const [target] = plan.targets;
  if (answer?.target === undefined) {
    return { was: priceAt(routing, plan.baseline, usage, at), would: priceAt(routing, target, usage, at) };
  }
  const was = answer.costNanoUsd;
  // A route that did not take the call changes nothing; nor does one that leads where it went.
  const isSame = answer.isFree || !isRouted(plan) || formatTarget(answer.target) === formatTarget(target);
  return { was, would: isSame ? was : priceAt(routing, target, usage, at) };
}

function isRouted({ route }: DryPlan['plan']): boolean {
  return route !== undefined && route.route !== '';
}

/** A target whose cache has no price of its own bills what would have been cached as plain input. */
function priceAt({ pricer }: DryRouting, target: Target, usage: Usage, atMs: number): NanoUsd | undefined {
  const priced = pricer.price(target, usage, {}, atMs);
  if (priced !== undefined) return priced.amountNanoUsd;
  const { cacheRead, cacheWrite5m, cacheWrite30m, cacheWrite1h } = usage;
  const input = usage.input + cacheRead + cacheWrite5m + cacheWrite30m + cacheWrite1h;
  return pricer.price(target, { ...usage, ...CACHED, input }, {}, atMs)?.amountNanoUsd;
}

async function estimatedUsage(routing: DryRouting, plan: DryPlan, { outputTokens }: TrialOptions): Promise<Usage> {
  const input = (await routing.seen(plan)).inputTokens() ?? 0;
  return usageOf({ input, output: plan.call.endpoint === 'embeddings' ? 0 : outputTokens });
}

function addTo(rows: Map<string, TrialRow>, { plan }: DryPlan, { was, would }: TrialCosts): void {
  const route = plan.route?.route ?? '';
  const reason = plan.route?.reason ?? '';
  // Calls that no route took stay where they were: whereto is not asked here.
  const target = isRouted(plan) ? formatTarget(plan.targets[0]) : '';
  const key = `${route}\n${reason}\n${target}`;
  const row = rows.get(key) ?? { route, reason, target, calls: 0, unpriced: 0, thenNanoUsd: 0n, wouldNanoUsd: 0n };
  rows.set(key, row);
  row.calls += 1;
  if (was === undefined || would === undefined) {
    row.unpriced += 1;
    return;
  }
  row.thenNanoUsd += BigInt(was);
  row.wouldNanoUsd += BigInt(would);
}
