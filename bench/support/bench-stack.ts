import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchProcess, startScript } from './bench-process.ts';
import { buildPackage } from './built-package.ts';
import { startNginx } from './nginx.ts';

/** What is compared. */
export type VariantName = 'farthing' | 'bare' | 'naive' | 'nginx';

/** The key of the calls, as long as the gateway asks for. */
export const BENCH_SECRET = 'fk-the-key-of-the-bench-0123456789abcdef0123456789abcdef';

/** What the gateway's memory cache may hold, in megabytes: so little that a run fills it, and it must evict. */
export const MEMORY_CACHE_MEGABYTES = 16;

/** Everything that runs during a bench. */
export interface BenchStack {
  readonly upstream: BenchProcess;
  readonly generator: BenchProcess;
  /** The compiled package. */
  readonly built: string;
  /** nginx is missing where the machine has none. */
  readonly variants: ReadonlyMap<VariantName, BenchProcess>;
  close(): Promise<void>;
}

/** The two hard budgets of the design's figure; so high that nobody is refused. Bodies name their user. */
const BUDGETS = [
  { name: 'everything', scope: 'all', limitUsd: '100000', window: 'day', mode: 'hard' },
  { name: 'users', scope: 'tag:user', limitUsd: '100000', window: { rolling: '24h' }, mode: 'hard' },
];

/** Where a gateway keeps its data: a folder, or Redis and Postgres. */
export type BenchStorage = string | { readonly redis: string; readonly postgres: string };

/** The configuration of the gateway: everything on. */
export function benchConfig(storage: BenchStorage, upstreamOrigin: string, port = 0, hasBudgets = true): string {
  return JSON.stringify({
    version: 1,
    listen: `127.0.0.1:${port}`,
    auth: 'required',
    storage,
    providers: { openai: { protocol: 'openai', baseUrl: `${upstreamOrigin}/v1`, apiKey: 'sk-of-the-bench' } },
    cache: { mode: 'deterministic', ttl: '1h', memory: `${MEMORY_CACHE_MEGABYTES}MB` },
    keys: [{ name: 'bench', project: 'bench', key: BENCH_SECRET }],
    budgets: hasBudgets ? BUDGETS : [],
    log: { level: 'warn' },
  });
}

/** Starts all processes. */
export async function startStack(options: { readonly profileFolder?: string | undefined } = {}): Promise<BenchStack> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-bench-'));
  const upstream = await startScript('support/upstream-mock.ts');
  const built = buildPackage();
  const env = {
    BENCH_UPSTREAM: upstream.origin,
    BENCH_CONFIG: benchConfig(join(folder, 'data'), upstream.origin),
    BENCH_BUILD: built,
  };
  const profile = options.profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profileFolder}`];
  const variants = new Map<VariantName, BenchProcess>([
    ['bare', await startScript('bare-proxy.ts', env)],
    ['naive', await startScript('naive-cache.ts', env)],
    ['farthing', await startScript('gateway-process.ts', env, profile)],
  ]);
  const nginx = await startNginx(folder, upstream.origin);
  if (nginx !== undefined) variants.set('nginx', nginx);
  const generator = await startScript('support/load-generator.ts');
  return {
    upstream,
    generator,
    built,
    variants,
    close: async () => {
      for (const process of [generator, ...variants.values(), upstream]) await process.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
