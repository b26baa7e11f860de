import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../../test/support/postgres-server.ts';
import { RedisServer } from '../../test/support/redis-server.ts';
import { type BenchProcess, runLoad, startProgram, startScript, treeMicroseconds } from './bench-process.ts';
import { BENCH_SECRET, benchConfig, type BenchStorage } from './bench-stack.ts';
import { cpuOfRedis } from './budget-stores.ts';
import { freePort } from './nginx.ts';
import { PostgresCpu } from './postgres-cpu.ts';
import type { ScenarioName } from './scenario.ts';

/** CPU time so far, in microseconds. */
export interface TierCpu {
  /** All processes of the gateway. */
  readonly gateway: number;
  readonly redis: number;
  readonly postgres: number;
}

/** Gateways that serve together. */
export interface Tier {
  readonly name: string;
  cpu(): Promise<TierCpu>;
  /** Makes calls, shared out among the instances, and gives the time they took in milliseconds. */
  load(scenario: ScenarioName, calls: number, concurrency: number, firstIndex: number): Promise<number>;
  close(): Promise<void>;
}

/** After the first worker has answered the others have started within this time, in milliseconds. */
const WORKERS_START_MS = 4000;

interface Servers {
  readonly redis: RedisServer;
  readonly postgres: Awaited<ReturnType<typeof startPostgres>>;
}

/** Where and with what the tiers are started. */
export interface TierPlace {
  readonly built: string;
  readonly upstreamOrigin: string;
}

/** Processes on one folder; one is started without `--workers`. */
export async function startFolderTier(
  place: TierPlace,
  name: string,
  workers: number,
  hasBudgets = true,
): Promise<Tier> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-tier-'));
  const instance = await startInstance(place, folder, join(folder, 'data'), workers, hasBudgets);
  return tierOf(name, folder, [instance], undefined);
}

/** Instances on one Redis and one Postgres that syncs its log to the disk. */
export async function startServiceTier(place: TierPlace, name: string, instances: number): Promise<Tier> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-tier-'));
  const redis = await RedisServer.start();
  const postgres = await startPostgres({ flags: ['-c', 'fsync=on'] });
  const storage = { redis: redis.url, postgres: await postgres.createDatabase() };
  const started: BenchProcess[] = [];
  for (let index = 0; index < instances; index += 1) started.push(await startInstance(place, folder, storage, 1, true));
  return tierOf(name, folder, started, { redis, postgres });
}

async function startInstance(
  { built, upstreamOrigin }: TierPlace,
  folder: string,
  storage: BenchStorage,
  workers: number,
  hasBudgets: boolean,
): Promise<BenchProcess> {
  const port = await freePort();
  const file = join(folder, `farthing-${port}.yaml`);
  await writeFile(file, benchConfig(storage, upstreamOrigin, port, hasBudgets));
  const args = [join(built, 'cli', 'main.js'), 'serve', '--config', file];
  if (workers > 1) args.push('--workers', String(workers));
  const instance = startProgram(process.execPath, args, `http://127.0.0.1:${port}`);
  for (let tries = 0; tries < 400; tries += 1) {
    const reply = await fetch(`${instance.origin}/readyz`).catch(() => undefined);
    if (reply?.status === 200) {
      // Connections stay with the worker that they came to: all must be there before the first.
      if (workers > 1) await delay(WORKERS_START_MS);
      return instance;
    }
    await delay(50);
  }
  throw new Error('a gateway does not become ready');
}

async function tierOf(
  name: string,
  folder: string,
  instances: readonly BenchProcess[],
  servers: Servers | undefined,
): Promise<Tier> {
  const generators = await Promise.all(instances.map(() => startScript('support/load-generator.ts')));
  const postgres = servers === undefined ? undefined : await PostgresCpu.of(servers.postgres);
  return {
    name,
    cpu: async () => ({
      gateway: instances.reduce((sum, { pid }) => sum + treeMicroseconds(pid), 0),
      redis: servers === undefined ? 0 : await cpuOfRedis(servers.redis),
      postgres: postgres?.microseconds() ?? 0,
    }),
    load: async (scenario, calls, concurrency, firstIndex) => {
      const startedAt = performance.now();
      const share = Math.ceil(calls / instances.length);
      const results = await Promise.all(
        instances.map(({ origin }, index) =>
          runLoad(generators[index], {
            origin,
            path: '/v1/chat/completions',
            secret: BENCH_SECRET,
            scenario,
            calls: share,
            concurrency: Math.ceil(concurrency / instances.length),
            firstIndex: firstIndex + index * share,
          }),
        ),
      );
      const failed = results.reduce((sum, result) => sum + result.failed, 0);
      if (failed > 0) throw new Error(`${failed} of ${calls} calls failed on ${name}`);
      return performance.now() - startedAt;
    },
    close: async () => {
      for (const each of [...generators, ...instances]) await each.stop();
      await servers?.redis.close();
      await servers?.postgres.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
