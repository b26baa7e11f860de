// What a reservation and its settling cost a call under two hard budgets. Run: npx -c 'node bench/budgets.bench.ts [--quick]'
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { SpendingFacts } from '../src/core/budget/budget.ts';
import { nanoUsd } from '../src/core/money.ts';
import { systemClock } from '../src/engine/system-ports.ts';
import type { BudgetKeeper } from '../src/middleware/budget/budget-keeper.ts';
import { BENCH_BUDGETS, type BudgetBench, openBudgetBenches } from './support/budget-stores.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';

const ROUNDS = 4;
const USERS = 1000;
const TARGET = 'openai/gpt-5.4-mini';
/** What a call holds and what it comes to. */
const BOUND = nanoUsd(3_000_000);
const AMOUNT = nanoUsd(1_000_000);

type Load =
  /** So many callers, each with its next call as soon as the last is over. */
  | { readonly kind: 'closed'; readonly callers: number; readonly calls: number }
  /** Calls that come at a rate and take their time at the provider. */
  | { readonly kind: 'paced'; readonly callsPerSecond: number; readonly calls: number; readonly users: number };

/** How long a paced call is at the provider. */
const PROVIDER_MS = 300;

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const scale = options.quick ? 0.1 : 1;

const LOADS: readonly Load[] = [
  { kind: 'closed', callers: 1, calls: 4000 * scale },
  { kind: 'closed', callers: 64, calls: 8000 * scale },
  { kind: 'paced', callsPerSecond: 1000, calls: 2000 * scale, users: 10 },
  { kind: 'paced', callsPerSecond: 1000, calls: 2000 * scale, users: USERS },
];

const nobody = new AbortController().signal;

/** A user of the many; few of them make most of the calls (Zipf: the n-th makes 1/n of the first one's). */
function userOf(index: number, users: number): string {
  const chance = ((index * 2_654_435_761) % 2 ** 32) / 2 ** 32;
  return `user-${Math.floor(users ** chance)}`;
}

interface Tally {
  readonly users: number;
  readonly waitMs: number[];
  next: number;
}

/** As the steps `budget` and `charge` do it; undefined: the same without budgets. */
async function call(keeper: BudgetKeeper | undefined, tally: Tally, provider: () => Promise<void>): Promise<void> {
  const facts: SpendingFacts = {
    project: 'bench',
    keyId: 'key_1',
    tags: { user: userOf(tally.next++, tally.users) },
    target: TARGET,
  };
  const startedAt = performance.now();
  if (keeper === undefined) {
    await provider();
    tally.waitMs.push(performance.now() - startedAt);
    return;
  }
  const reservation = await keeper.reserve(facts, BOUND, { waitMs: 10_000, signal: nobody });
  await reservation.cover(TARGET, BOUND);
  tally.waitMs.push(performance.now() - startedAt);
  await provider();
  const atMs = systemClock.nowMs();
  const pending = reservation.pend(TARGET, BOUND, atMs);
  pending.settle({ chargeId: 'charge', ownerId: reservation.ownerId, amountNanoUsd: AMOUNT, atMs, bookedAtMs: atMs });
  reservation.release();
}

const providerTime = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, PROVIDER_MS));
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function closedLoop(
  keeper: BudgetKeeper | undefined,
  tally: Tally,
  callers: number,
  calls: number,
): Promise<void> {
  let left = calls;
  const caller = async (): Promise<void> => {
    while ((left -= 1) >= 0) await call(keeper, tally, nextTurn); // oxlint-disable-line no-await-in-loop -- a caller
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function paced(
  keeper: BudgetKeeper | undefined,
  tally: Tally,
  load: Extract<Load, { kind: 'paced' }>,
): Promise<void> {
  const startedAt = performance.now();
  const underWay: Promise<void>[] = [];
  while (underWay.length < load.calls) {
    const due = Math.min(load.calls, ((performance.now() - startedAt) * load.callsPerSecond) / 1000);
    while (underWay.length < due) underWay.push(call(keeper, tally, providerTime));
    await new Promise((resolve) => void setTimeout(resolve, 1)); // oxlint-disable-line no-await-in-loop -- the pace
  }
  await Promise.all(underWay);
}

interface Round {
  readonly cpuMicroseconds: number;
  readonly serverMicroseconds: number;
  readonly exchangesPerCall: number;
  readonly callsPerSecond: number;
  readonly waitMs: readonly number[];
}

async function run(bench: BudgetBench | undefined, load: Load, round: number): Promise<Round> {
  const tally: Tally = { users: load.kind === 'paced' ? load.users : USERS, waitMs: [], next: (round + 1) * 100_003 };
  const keeper = bench?.budgets.keeper;
  const exchanges = bench?.exchanges() ?? 0;
  const server = (await bench?.serverMicroseconds()) ?? 0;
  const startedAt = performance.now();
  const before = process.cpuUsage();
  if (load.kind === 'closed') await closedLoop(keeper, tally, load.callers, load.calls);
  else await paced(keeper, tally, load);
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startedAt;
  return {
    cpuMicroseconds: (user + system) / load.calls,
    serverMicroseconds: (((await bench?.serverMicroseconds()) ?? 0) - server) / load.calls,
    exchangesPerCall: ((bench?.exchanges() ?? 0) - exchanges) / load.calls,
    callsPerSecond: (load.calls / wallMs) * 1000,
    waitMs: tally.waitMs,
  };
}

interface Result {
  readonly load: Load;
  /** Undefined: no budgets, what the others are compared with. */
  readonly bench: BudgetBench | undefined;
  readonly rounds: Round[];
}

/** One round; odd ones go backwards, so that a drift of the machine favours nobody. */
async function measure(results: readonly Result[], round: number): Promise<void> {
  for (const { load, bench, rounds } of round % 2 === 0 ? results : results.toReversed()) {
    const measured = await run(bench, load, round); // oxlint-disable-line no-await-in-loop -- interleaved
    if (round >= 0) rounds.push(measured); // the first is the warm-up
  }
}

const machine = machineNote();
const stores = await openBudgetBenches();
const results = LOADS.flatMap((load) =>
  [undefined, ...stores.benches].map((bench): Result => ({ load, bench, rounds: [] })),
);
try {
  for (let round = -1; round < ROUNDS; round += 1) await measure(results, round); // oxlint-disable-line no-await-in-loop -- interleaved
} finally {
  await stores.close();
}
const middle = (rounds: readonly Round[], of: (round: Round) => number): number => quantile(rounds.map(of), 0.5);
const table = results.flatMap(({ load, bench, rounds }) => {
  if (bench === undefined) return [];
  const none = results.find((other) => other.load === load && other.bench === undefined)?.rounds ?? [];
  const extra = rounds.map(
    ({ cpuMicroseconds }, index) => cpuMicroseconds - (none[index]?.cpuMicroseconds ?? Number.NaN),
  );
  const waitMs = rounds.flatMap((round) => round.waitMs);
  return {
    store: bench.name,
    load: load.kind === 'closed' ? `${load.callers} in flight` : `${load.callsPerSecond} a second, ${load.users} users`,
    'CPU µs/call': rounded(quantile(extra, 0.5), 1),
    'least CPU µs/call': rounded(Math.min(...extra), 1),
    'server CPU µs/call': rounded(
      middle(rounds, (round) => round.serverMicroseconds),
      1,
    ),
    'exchanges/call': rounded(
      middle(rounds, (round) => round.exchangesPerCall),
      3,
    ),
    'wait p50 ms': rounded(quantile(waitMs, 0.5), 3),
    'wait p99 ms': rounded(quantile(waitMs, 0.99), 3),
    'calls/s': Math.round(middle(rounds, (round) => round.callsPerSecond)),
  };
});
console.log(
  `Node ${machine.node}, ${machine.cpus}, load before ${machine.loadBefore}; ${BENCH_BUDGETS.length} hard budgets, ${USERS} users`,
);
console.table(table);
if (!options.quick) {
  const file = new URL('./results/budgets.json', import.meta.url);
  await writeFile(file, `${JSON.stringify({ ...machine, rounds: ROUNDS, users: USERS, table }, undefined, 2)}\n`);
}
