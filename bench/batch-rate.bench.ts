// Bulk runs against a provider with limits: the share of each limit that is used, and how many calls it refused.
// Run: npx -c 'node bench/batch-rate.bench.ts [--quick]'
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { BatchProcessor } from '../src/client/batch/batch-processor.ts';
import { createFarthing } from '../src/client/create-farthing.ts';
import { type SimulatedProviderOptions, startSimulatedProvider } from '../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from '../test/support/simulated-prices.ts';
import { machineNote } from './support/machine.ts';
import { rounded } from './support/quantile.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
/** Of each run, in milliseconds. The first minute's worth is there at once. */
const LENGTH_MS = options.quick ? 8_000 : 75_000;
/** From here on no call is to be refused: the provider has said what its limits are. In milliseconds. */
const WARM_MS = 2000;

interface Case {
  readonly name: string;
  readonly limits: NonNullable<SimulatedProviderOptions['rateLimits']>;
  readonly model: string;
  readonly maxOutputTokens: number;
  /** What the caller sets itself. */
  readonly own?: { readonly requestsPerMinute?: number; readonly tokensPerMinute?: number };
}

const CASES: readonly Case[] = [
  { name: 'requests, as stated', limits: { requestsPerMinute: 1200 }, model: 'gpt-5.4-mini', maxOutputTokens: 40 },
  {
    name: 'tokens reserved, as stated',
    limits: { tokensPerMinute: 60_000, counting: 'reserved' },
    model: 'gpt-5.4-mini',
    maxOutputTokens: 60,
  },
  {
    name: 'tokens used, as stated',
    limits: { tokensPerMinute: 60_000, counting: 'actual' },
    model: 'claude-haiku-4-5',
    maxOutputTokens: 60,
  },
  {
    name: 'both, as stated',
    limits: { requestsPerMinute: 1000, tokensPerMinute: 60_000, counting: 'actual' },
    model: 'claude-haiku-4-5',
    maxOutputTokens: 60,
  },
  {
    name: 'requests, set by the caller',
    limits: { requestsPerMinute: 1200 },
    model: 'gpt-5.4-mini',
    maxOutputTokens: 40,
    own: { requestsPerMinute: 1200 },
  },
];

interface Row {
  readonly case: string;
  readonly seconds: number;
  readonly calls: number;
  readonly 'requests used': number;
  readonly 'tokens used': number;
  /** Of the rate that the caller set; undefined where he set none. */
  readonly 'own rate used': number | undefined;
  readonly refused: number;
  readonly 'refused when warm': number;
}

function* endless(): Generator<string> {
  for (let index = 0; ; index += 1) yield `Question ${index} of a bench`;
}

async function measure({ name, limits, model, maxOutputTokens, own = {} }: Case): Promise<Row> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.3, rateLimits: limits });
  const farthing = createFarthing({
    cache: false,
    apiKeys: { openai: 'bench', anthropic: 'bench' },
    providers: {
      openai: { protocol: 'openai', baseUrl: `${upstream.origin}/v1` },
      anthropic: { protocol: 'anthropic', baseUrl: upstream.origin },
    },
  });
  const stop = new AbortController();
  const startedAt = performance.now();
  const timer = setTimeout(() => stop.abort(), LENGTH_MS);
  let refusedWarm = 0;
  const warm = setTimeout(() => (refusedWarm = upstream.rateLimitUse().limitErrors), WARM_MS);
  const processor = new BatchProcessor({ farthing, model, maxOutputTokens, concurrency: 64, ...own });
  const run = processor.run(endless(), { signal: stop.signal });
  for await (const result of run) if (result.kind === 'error') throw result.error;
  clearTimeout(timer);
  clearTimeout(warm);
  const use = upstream.rateLimitUse();
  const seconds = (performance.now() - startedAt) / 1000;
  const { answered } = run.summary();
  const ownRate = own.requestsPerMinute && (answered * 60) / seconds / own.requestsPerMinute;
  await farthing.close();
  await upstream.close();
  return {
    case: name,
    seconds: rounded(seconds, 1),
    calls: answered,
    'requests used': rounded(use.requestsUsedRatio, 3),
    'tokens used': rounded(use.tokensUsedRatio, 3),
    'own rate used': ownRate && rounded(ownRate, 3),
    refused: use.limitErrors,
    'refused when warm': use.limitErrors - refusedWarm,
  };
}

const machine = machineNote();
const table: Row[] = [];
for (const one of CASES) table.push(await measure(one)); // oxlint-disable-line no-await-in-loop -- one after the other
console.log(`Node ${machine.node}, ${machine.cpus}, load before ${machine.loadBefore}`);
console.table(table);
if (!options.quick) {
  const file = new URL('./results/batch-rate.json', import.meta.url);
  await writeFile(file, `${JSON.stringify({ ...machine, lengthMs: LENGTH_MS, table }, undefined, 2)}\n`);
}
