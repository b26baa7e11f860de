// What calls with deadlines save by a plan that learns how long batches take, beside an oracle that knows and a rule that always submits; in virtual time.
// Run: npx -c 'node bench/deadlines.bench.ts [--quick]'
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { batchPlan } from '../src/core/batch/batch-plan.ts';
import {
  type DeadlineOutcome,
  naivePolicy,
  oracleCost,
  simulateDeadlines,
} from '../test/support/deadline-simulation.ts';
import { DEADLINE_WORLDS, deadlineCalls, type DeadlineWorld } from '../test/support/deadline-worlds.ts';
import { machineNote } from './support/machine.ts';
import { rounded } from './support/quantile.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const calls = deadlineCalls(options.quick ? 1000 : 10_000, 5);
const liveCost = calls.reduce((sum, { liveNanoUsd }) => sum + liveNanoUsd, 0);

/** The part of what all calls cost live that is saved, in percent. */
const savedPercent = (cost: number): number => rounded(100 * (1 - cost / liveCost), 1);

function misses({ missed, missedByUs }: DeadlineOutcome): string {
  return `${missed} (${missedByUs})`;
}

function rowOf(world: DeadlineWorld): Readonly<Record<string, string | number>> {
  const ours = simulateDeadlines(world, calls);
  const naive = simulateDeadlines(world, calls, naivePolicy);
  // What batches under way add to what ended ones tell.
  const endsOnly = simulateDeadlines(world, calls, (input) => batchPlan({ ...input, runningSinceMs: [] }));
  return {
    batches: world.name,
    'saved, %': savedPercent(ours.costNanoUsd),
    'ended batches only': savedPercent(endsOnly.costNanoUsd),
    naive: savedPercent(naive.costNanoUsd),
    'oracle at once': savedPercent(oracleCost(world, calls, false)),
    'patient oracle': savedPercent(oracleCost(world, calls, true)),
    'missed (by us)': misses(ours),
    'naive misses': misses(naive),
    'charged twice': ours.chargedTwice,
    'naive twice': naive.chargedTwice,
    'batch/flex/live': `${ours.plans.batch}/${ours.plans.flex}/${ours.plans.live}`,
    submitted: ours.batches,
  };
}

const startedAt = performance.now();
const rows = DEADLINE_WORLDS.map(rowOf);
const machine = machineNote();
console.log(
  `${calls.length} calls in a week, 5 minutes to 24 hours each; batch and flex at half price; saved of what all cost live, in %`,
);
console.table(rows);
console.log(`${rounded((performance.now() - startedAt) / 1000, 1)} s`);
if (!options.quick) {
  const result = { ...machine, calls: calls.length, rows };
  await writeFile(new URL('./results/deadlines.json', import.meta.url), `${JSON.stringify(result, undefined, 2)}\n`);
}
