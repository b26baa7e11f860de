// Input bills of never, always, the recurrence planner and an oracle, in % of uncached; the worst excess over the better of never and always; CPU a request.
// Run: npx -c 'node bench/prefix.bench.ts [--quick]'
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { RecurrencePlanner } from '../src/core/prefix/recurrence-planner.ts';
import { seededChance, type TracedCall, traceShapes } from '../test/support/cache-traces.ts';
import { mooncakeCalls } from '../test/support/mooncake-trace.ts';
import { worstAdversary } from '../test/support/prefix-adversary.ts';
import { providerBillRatio } from '../test/support/provider-cache-bill.ts';
import { excessRatio, plannedBills } from '../test/support/reference-cache-bills.ts';
import { machineNote } from './support/machine.ts';
import { rounded } from './support/quantile.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const CLAUDE = { writeRatio: 1.25, readRatio: 0.1 };
const RATIOS = [
  CLAUDE,
  { writeRatio: 2, readRatio: 0.1 },
  { writeRatio: 1.25, readRatio: 0.025 },
  { writeRatio: 1.25, readRatio: 0.5 },
];
const LENGTHS = options.quick ? [1000] : [300, 1000, 2000, 5000];
const SEEDS = options.quick ? [1] : [1, 2, 3];
const TTL_MS = 300_000;

function variants(calls: readonly TracedCall[]): ReadonlyMap<string, readonly TracedCall[]> {
  const chance = seededChance(7);
  const atTimes = (order: readonly TracedCall[]): readonly TracedCall[] =>
    order.map(({ chain }, index) => ({ chain, atMs: calls[index]?.atMs ?? 0 }));
  const shuffled = calls
    .map((call) => ({ call, at: chance() }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ call }) => call);
  return new Map([
    ['as recorded', calls],
    ['shuffled', atTimes(shuffled)],
    ['reversed', atTimes(calls.toReversed())],
    ['30 % of the calls', calls.filter(() => chance() < 0.3)],
    ['ten times as fast', calls.map(({ atMs, chain }) => ({ chain, atMs: atMs / 10 }))],
    ['ten times as slow', calls.map(({ atMs, chain }) => ({ chain, atMs: atMs * 10 }))],
  ]);
}

function cpuMicroseconds(calls: readonly TracedCall[]): number {
  const planner = new RecurrencePlanner({ ...CLAUDE, ttlMs: TTL_MS });
  const before = process.cpuUsage();
  for (const { chain, atMs } of calls) planner.plan(chain, atMs);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls.length;
}

const machine = machineNote();
const trace = mooncakeCalls();
const percent = (part: number, whole: number): number => rounded((100 * part) / whole, 2);
const bills = [...(trace === undefined ? [] : variants(trace))].map(([name, calls]) => {
  const { uncached, always, oracle, planned } = plannedBills(calls, CLAUDE);
  return {
    'Mooncake trace': name,
    never: 100,
    always: percent(always, uncached),
    ours: percent(planned, uncached),
    oracle: percent(oracle, uncached),
  };
});
const excesses = RATIOS.flatMap((ratios) =>
  LENGTHS.map((length) => {
    const all = SEEDS.flatMap((seed) => traceShapes(length, seed)).map(({ name, calls }) => ({
      name,
      excess: excessRatio(plannedBills(calls, ratios)),
    }));
    const worst = all.reduce((left, right) => (right.excess > left.excess ? right : left));
    const { writeRatio, readRatio } = ratios;
    return {
      writeRatio,
      readRatio,
      calls: length,
      'worst excess, points': rounded(100 * worst.excess, 2),
      on: worst.name,
    };
  }),
);
const provider =
  trace === undefined
    ? []
    : [512, 1024, 2048].map((minimumTokens) => ({
        'shortest prefix that is cached': minimumTokens,
        'ours, with four breakpoints and a look-back of 20 blocks': percent(
          providerBillRatio(trace, CLAUDE, minimumTokens),
          1,
        ),
      }));
const adversaries = [CLAUDE, { writeRatio: 2, readRatio: 0.1 }].map((ratios) => {
  const { excess, debt } = worstAdversary(2000, ratios);
  return {
    writeRatio: ratios.writeRatio,
    calls: 2000,
    'over never, points': percent(debt, 1),
    'over the better of both, points': percent(excess, 1),
  };
});
const cpu = trace === undefined ? undefined : rounded(Math.min(...[0, 1, 2].map(() => cpuMicroseconds(trace))), 1);
console.log(`Node ${machine.node}, ${machine.cpus}; CPU a request of 24 blocks: ${cpu ?? 'no trace here'} µs`);
console.table(bills);
console.table(excesses);
console.log('The Mooncake trace under the rules of a provider that reads only up to breakpoints:');
console.table(provider);
console.log('An adversary that sees each decision and does the opposite:');
console.table(adversaries);
if (!options.quick) {
  const result = { ...machine, cpuMicrosecondsARequest: cpu, bills, excesses, provider, adversaries };
  await writeFile(new URL('./results/prefix.json', import.meta.url), `${JSON.stringify(result, undefined, 2)}\n`);
}
