// `npm run bench [-- --quick | --soak CALLS | --profile FOLDER]`: what a call costs against a bare proxy, in one interleaved run.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { residentMegabytes } from './support/bench-process.ts';
import { MEMORY_CACHE_MEGABYTES, startStack, type VariantName } from './support/bench-stack.ts';
import {
  type BenchResult,
  cpuOf,
  type Figure,
  figure,
  figureTable,
  type LatencySample,
  ratioOf,
  type Sample,
} from './support/figures.ts';
import { machineNote } from './support/machine.ts';
import { Rounds } from './support/rounds.ts';
import { SCENARIOS, type ScenarioName } from './support/scenario.ts';
import { soak } from './support/soak.ts';
import { startToFirstAnswerMs } from './support/start-time.ts';

const ROUNDS = 5;
/** How much shorter a smoke run's scenarios are. */
const QUICK_SCALE = 0.1;
/** The design's allowance over the bare proxy and one and a half memory caches, in megabytes. */
const MEMORY_ALLOWANCE_MEGABYTES = 60;

const RESULTS = new URL('./results/', import.meta.url);
const NOTES = [
  'Everything on: auth, cache, two hard budgets (all in a day; each of 1,000 users in 24 hours), ledger on disk (SQLite), metrics.',
];

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    soak: { type: 'string' },
    profile: { type: 'string' },
  },
});

if (options.soak === undefined) await bench(options.quick, options.profile);
else await soak(Number(options.soak), new URL('soak.json', RESULTS));

async function bench(isQuick: boolean, profileFolder: string | undefined): Promise<void> {
  const machine = machineNote();
  const stack = await startStack({ profileFolder });
  try {
    const rounds = new Rounds(stack, isQuick ? QUICK_SCALE : 1);
    await rounds.warmUp();
    const samples: Sample[] = [];
    const count = isQuick ? 1 : ROUNDS;
    for (let round = 0; round < count; round += 1) samples.push(...(await rounds.measure(round)));
    const latency = await rounds.latency();
    const resident = Object.fromEntries([...stack.variants].map(([name, { pid }]) => [name, residentMegabytes(pid)]));
    const measured = {
      samples,
      latency,
      residentMegabytes: resident,
      startMs: await startToFirstAnswerMs(join(stack.built, 'cli', 'main.js'), stack.upstream.origin, isQuick ? 1 : 3),
      keyAndHitMicroseconds: await keyAndHit(),
      hostileBody: await worstBody(isQuick),
      tokenCounting: await tokenCounting(isQuick),
    };
    const result: BenchResult = {
      ...machine,
      rounds: count,
      isQuick,
      ...measured,
      figures: figuresOf(measured),
      notes: stack.variants.has('nginx') ? NOTES : [...NOTES, 'Skipped: nginx (not on this machine).'],
    };
    await writeFile(
      new URL(isQuick ? 'local-quick.json' : 'latest.json', RESULTS),
      `${JSON.stringify(result, undefined, 2)}\n`,
    );
    print(result);
  } finally {
    await stack.close();
  }
}

/** The bench of the key has this figure. */
async function keyAndHit(): Promise<number> {
  const { results } = (await resultOf('cache-key.bench.ts')) as { results: Record<string, Record<string, number>> };
  return results['cache key + memory hit']?.['1 KB'] ?? Number.NaN;
}

/** The bench of hostile bodies has this figure. */
async function worstBody(isQuick: boolean): Promise<BenchResult['hostileBody']> {
  const { longest } = (await resultOf('hostile-body.bench.ts', ...(isQuick ? ['--quick'] : []))) as {
    longest: { readonly body: string; readonly 'held CPU ms': number };
  };
  return { name: longest.body, heldMs: longest['held CPU ms'] };
}

/** The bench of the tokenizers has these figures. */
async function tokenCounting(isQuick: boolean): Promise<BenchResult['tokenCounting']> {
  const { worst } = (await resultOf('tokenizers.bench.ts', ...(isQuick ? ['--quick'] : []))) as {
    worst: BenchResult['tokenCounting'];
  };
  return worst;
}

/** Runs another bench in a process of its own and gives what it writes. */
async function resultOf(script: string, ...words: readonly string[]): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-bench-'));
  const file = join(folder, 'result.json');
  try {
    execFileSync(process.execPath, [new URL(script, import.meta.url).pathname, ...words, file]);
    return JSON.parse(await readFile(file, 'utf8'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Measured = Pick<
  BenchResult,
  'samples' | 'latency' | 'residentMegabytes' | 'startMs' | 'keyAndHitMicroseconds' | 'hostileBody' | 'tokenCounting'
>;

function figuresOf(measured: Measured): readonly Figure[] {
  const { samples, latency, residentMegabytes: resident } = measured;
  const cpu = (scenario: ScenarioName, variant: VariantName): string =>
    `${variant} ${cpuOf(samples, scenario, variant).toFixed(0)} µs`;
  const versusBare = (name: string, scenario: ScenarioName, base: ScenarioName, bar: number | undefined): Figure =>
    figure(
      name,
      ratioOf(samples, { scenario, variant: 'farthing' }, { scenario: base, variant: 'bare' }),
      'x',
      bar,
      [cpu(scenario, 'farthing'), cpu(base, 'bare')].join(', '),
    );
  const versusNaive = (name: string, scenario: ScenarioName): Figure =>
    figure(
      name,
      ratioOf(samples, { scenario, variant: 'farthing' }, { scenario, variant: 'naive' }),
      'x',
      undefined,
      [cpu(scenario, 'farthing'), cpu(scenario, 'naive')].join(', '),
    );
  const bareMegabytes = resident.bare ?? Number.NaN;
  const memoryBar = bareMegabytes + 1.5 * MEMORY_CACHE_MEGABYTES + MEMORY_ALLOWANCE_MEGABYTES;
  return [
    versusBare('CPU a call, miss', 'miss', 'miss', 1.3),
    versusBare('CPU a call, hit', 'hit', 'miss', 0.65),
    versusNaive('  hit against a naive Map', 'hit'),
    versusBare('CPU a call, stream of 100 chunks', 'stream', 'stream', 1.15),
    versusBare('CPU a call, miss of 100 KB', 'large-miss', 'large-miss', undefined),
    versusBare('CPU a call, hit of 100 KB', 'large-hit', 'large-miss', undefined),
    versusNaive('  hit of 100 KB against a naive Map', 'large-hit'),
    ...againstNginx(samples),
    ...latencyFigures(latency),
    figure('cache key + memory hit, in process', measured.keyAndHitMicroseconds, 'µs', 15, '1 KB prompt'),
    figure('longest hold by one body of 1 MB, CPU', measured.hostileBody.heldMs, 'ms', 50, measured.hostileBody.name),
    ...tokenFigures(measured.tokenCounting),
    figure(
      'resident memory',
      resident.farthing ?? Number.NaN,
      'MB',
      memoryBar,
      `bare ${bareMegabytes.toFixed(0)} MB, memory cache ${MEMORY_CACHE_MEGABYTES} MB`,
    ),
    figure('start to first answer', measured.startMs, 'ms', 800, 'farthing serve, empty folder'),
  ];
}

function tokenFigures(counting: BenchResult['tokenCounting']): readonly Figure[] {
  const { cpuOfMegabyte, ratioToBestPackage, hostileMillion, longestTurn } = counting;
  return [
    figure('tokens counted, CPU a MB, slowest class', cpuOfMegabyte.ms, 'ms', 100, cpuOfMegabyte.text),
    figure('  against the quickest npm package', ratioToBestPackage.ratio, 'x', 1, ratioToBestPackage.text),
    figure('  a million characters, CPU', hostileMillion.ms, 'ms', 1000, hostileMillion.text),
    figure('  longest turn among them, CPU', longestTurn.ms, 'ms', 50, longestTurn.text),
    figure('  vocabulary loaded', counting.loadMs, 'ms', 150, 'o200k_base'),
  ];
}

function againstNginx(samples: readonly Sample[]): readonly Figure[] {
  if (!samples.some(({ variant }) => variant === 'nginx')) return [];
  return SCENARIOS.filter(({ distinct }) => distinct === undefined).map(({ name, label }) =>
    figure(
      `  bare proxy against nginx, ${label}`,
      ratioOf(samples, { scenario: name, variant: 'bare' }, { scenario: name, variant: 'nginx' }),
      'x',
      undefined,
      `nginx ${cpuOf(samples, name, 'nginx').toFixed(0)} µs`,
    ),
  );
}

function latencyFigures(latency: readonly LatencySample[]): readonly Figure[] {
  const of = (scenario: ScenarioName, variant: VariantName): LatencySample | undefined =>
    latency.find((sample) => sample.scenario === scenario && sample.variant === variant);
  const bare = of('miss', 'bare');
  return (['miss', 'hit'] as const).flatMap((scenario) => {
    const own = of(scenario, 'farthing');
    if (own === undefined || bare === undefined) return [];
    const detail = (field: 'p50Ms' | 'p99Ms'): string =>
      `${own[field].toFixed(2)} ms, bare ${bare[field].toFixed(2)} ms`;
    return [
      figure(`latency added, ${scenario}, p50`, own.p50Ms - bare.p50Ms, 'ms', undefined, detail('p50Ms')),
      figure(`latency added, ${scenario}, p99`, own.p99Ms - bare.p99Ms, 'ms', undefined, detail('p99Ms')),
    ];
  });
}

function print(result: BenchResult): void {
  console.log(
    `Node ${result.node}, ${result.cpus}, load before ${result.loadBefore.toFixed(1)}, ${result.rounds} rounds, medians; CPU of all threads of the proxy's process\n`,
  );
  console.log(figureTable(result.figures));
  console.log(`\n${result.notes.join('\n')}`);
}
