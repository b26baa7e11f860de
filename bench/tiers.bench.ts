// Calls a second and CPU a call of one process, of two workers on one folder and of two instances on Redis and Postgres, with everything on.
// Run: npx -c 'node bench/tiers.bench.ts [--quick]'
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startScript } from './support/bench-process.ts';
import { buildPackage } from './support/built-package.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';
import type { ScenarioName } from './support/scenario.ts';
import { startFolderTier, startServiceTier, type Tier, type TierCpu } from './support/tier.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const ROUNDS = options.quick ? 1 : 5;
const SCALE = options.quick ? 0.2 : 1;
const CONCURRENCY = 32;
const CALLS = { miss: 3000 * SCALE, hit: 6000 * SCALE } as const;
type Kind = keyof typeof CALLS & ScenarioName;

interface Round {
  readonly tier: string;
  readonly kind: Kind;
  readonly callsPerSecond: number;
  readonly cpu: TierCpu;
}

let nextIndex = 0;

async function run(tier: Tier, kind: Kind): Promise<Round> {
  const calls = CALLS[kind];
  // What hits ask for is there, in each process.
  if (kind === 'hit') await tier.load('hit', 1200, CONCURRENCY, 0);
  const before = await tier.cpu();
  const wallMs = await tier.load(kind, calls, CONCURRENCY, nextIndex);
  nextIndex += calls;
  const after = await tier.cpu();
  const perCall = (of: keyof TierCpu): number => (after[of] - before[of]) / calls;
  return {
    tier: tier.name,
    kind,
    callsPerSecond: (calls / wallMs) * 1000,
    cpu: { gateway: perCall('gateway'), redis: perCall('redis'), postgres: perCall('postgres') },
  };
}

async function round(tiers: readonly Tier[]): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (const kind of ['miss', 'hit'] as const) for (const tier of tiers) rounds.push(await run(tier, kind));
  return rounds;
}

const machine = machineNote();
const built = buildPackage();
const upstream = await startScript('support/upstream-mock.ts');
const place = { built, upstreamOrigin: upstream.origin };
const tiers = [
  await startFolderTier(place, 'one process, folder, no budgets', 1, false),
  await startFolderTier(place, 'one process, folder', 1),
  await startFolderTier(place, 'two workers, folder', 2),
  await startServiceTier(place, 'two instances, Redis + Postgres', 2),
];
const rounds: Round[] = [];
try {
  for (let warm = 0; warm < 2; warm += 1) await round(tiers);
  for (let index = 0; index < ROUNDS; index += 1) {
    rounds.push(...(await round(index % 2 === 0 ? tiers : tiers.toReversed())));
  }
} finally {
  for (const each of [...tiers, upstream]) await ('close' in each ? each.close() : each.stop());
}
const table = tiers.flatMap((tier) =>
  (['miss', 'hit'] as const).map((kind) => {
    const own = rounds.filter((each) => each.tier === tier.name && each.kind === kind);
    const middle = (of: (each: Round) => number): number => quantile(own.map(of), 0.5);
    return {
      tier: tier.name,
      kind,
      'calls/s': Math.round(middle(({ callsPerSecond }) => callsPerSecond)),
      'gateway CPU µs/call': Math.round(middle(({ cpu }) => cpu.gateway)),
      'Redis CPU µs/call': rounded(
        middle(({ cpu }) => cpu.redis),
        1,
      ),
      'Postgres CPU µs/call': rounded(
        middle(({ cpu }) => cpu.postgres),
        1,
      ),
    };
  }),
);
console.log(
  `Node ${machine.node}, ${machine.cpus}, load before ${machine.loadBefore}; ${CONCURRENCY} callers, all on the same cores`,
);
console.table(table);
if (!options.quick) {
  const file = new URL('./results/tiers.json', import.meta.url);
  await writeFile(
    file,
    `${JSON.stringify({ ...machine, rounds: ROUNDS, concurrency: CONCURRENCY, table, samples: rounds }, undefined, 2)}\n`,
  );
}
