import { startPostgres, type PostgresServer } from '../postgres-server.ts';
import { QUICK } from '../deadline-stage.ts';
import { RedisServer } from '../redis-server.ts';
import {
  type FailureStage,
  type Load,
  type RowBody,
  type RowContext,
  startFailureStage,
  startLoad,
} from './failure-stage.ts';
import { startSwitchboard } from './switchboard.ts';
import { acceptedCall, answeredCall, postLater } from './waiting-calls.ts';

interface Services {
  readonly stage: FailureStage;
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
}

let shared: Promise<PostgresServer> | undefined;

/** One Postgres for the rows that do not harm it. */
function sharedPostgres(): Promise<PostgresServer> {
  return (shared ??= startPostgres());
}

/** Ends it. */
export async function closeSharedPostgres(): Promise<void> {
  await (await shared)?.close();
}

/** Two gateways on a Redis of their own. */
async function startServices(
  context: RowContext,
  redisUrl?: (redis: RedisServer) => Promise<string>,
): Promise<Services> {
  const [redis, postgres] = await Promise.all([RedisServer.start(), sharedPostgres()]);
  context.onTestFinished(() => redis.close());
  return startOn(context, redis, postgres, (await redisUrl?.(redis)) ?? redis.url);
}

async function startOn(
  context: RowContext,
  redis: RedisServer,
  postgres: PostgresServer,
  redisUrl: string,
): Promise<Services> {
  const storage = { redis: redisUrl, postgres: await postgres.createDatabase() };
  const settings = { batch: { gather: '100ms' } };
  const stage = await startFailureStage(context, { storage, gateways: 2, batches: QUICK, settings });
  return { stage, redis, postgres };
}

/** Keeps calls coming until some were answered. */
async function underLoad({ expect }: RowContext, stage: FailureStage): Promise<Load> {
  await stage.isBack();
  const load = startLoad(stage);
  await expect
    .poll(() => load.take().filter((status) => status === 200).length, { timeout: 10_000, interval: 300 })
    .toBeGreaterThan(3);
  return load;
}

/** Waits until calls under the hard budget are refused because nobody can ask the counters, and looks at such a refusal. */
async function isRefusing({ expect }: RowContext, stage: FailureStage, timeoutMs = 10_000): Promise<void> {
  await expect.poll(async () => (await stage.hard()).status, { timeout: timeoutMs, interval: 50 }).toBe(503);
  await expect
    .poll(
      async () => {
        const { status, headers } = await stage.hard();
        return [status, headers.get('retry-after')];
      },
      { timeout: timeoutMs },
    )
    .toEqual([503, '1']);
}

/** Names the counters: those that were built anew have another name. */
function countersOf(redis: RedisServer): Promise<string> {
  return redis.command('HGET', 'farthing:budget-standing', 'generation');
}

async function noSurprise({ expect }: RowContext, load: Load): Promise<void> {
  const statuses = await load.stop();
  expect(statuses.filter((status) => ![200, 429, 503].includes(status))).toEqual([]);
}

const redisStopped: RowBody = async (context) => {
  const { stage, redis } = await startServices(context);
  const load = await underLoad(context, stage);
  await redis.stop();
  load.take();
  await isRefusing(context, stage);
  // What was in the slices went first.
  context.expect(load.take()).toContain(200);
  context.expect((await stage.other()).status).toBe(200);
  await redis.start();
  await stage.isBack();
  await noSurprise(context, load);
  await stage.checkMoney();
};

const redisFrozen: RowBody = async (context) => {
  const { stage, redis } = await startServices(context);
  const load = await underLoad(context, stage);
  const counters = await countersOf(redis);
  redis.freeze();
  load.take();
  await isRefusing(context, stage);
  context.expect(load.take()).toContain(200);
  context.expect((await stage.other()).status).toBe(200);
  redis.thaw();
  await stage.isBack();
  context.expect(await countersOf(redis)).toBe(counters);
  await noSurprise(context, load);
  await stage.checkMoney();
};

const redisFlushed: RowBody = async (context) => {
  const { stage, redis } = await startServices(context);
  const load = await underLoad(context, stage);
  const counters = await countersOf(redis);
  await redis.flush();
  context.expect((await stage.other()).status).toBe(200);
  await context.expect.poll(() => countersOf(redis), { timeout: 10_000 }).not.toMatch(/^\$-1/);
  context.expect(await countersOf(redis)).not.toBe(counters);
  await stage.isBack();
  await noSurprise(context, load);
  await stage.checkMoney();
};

const redisFailedOver: RowBody = async (context) => {
  let leadTo: (port: number) => void = () => undefined;
  const { stage, redis } = await startServices(context, async ({ port }) => {
    const switchboard = await startSwitchboard(port);
    context.onTestFinished(() => switchboard.close());
    leadTo = (next) => switchboard.leadTo(next);
    return `redis://127.0.0.1:${switchboard.port}`;
  });
  const replica = await redis.startReplica();
  context.onTestFinished(() => replica.close());
  const load = await underLoad(context, stage);
  const counters = await countersOf(redis);
  await context.expect.poll(() => countersOf(replica), { timeout: 10_000 }).toBe(counters);
  await redis.stop();
  await replica.promote();
  leadTo(replica.port);
  context.expect((await stage.other()).status).toBe(200);
  await context.expect.poll(() => countersOf(replica), { timeout: 10_000 }).not.toBe(counters);
  await stage.isBack();
  await noSurprise(context, load);
  await stage.checkMoney();
};

/** Two gateways on a Postgres that the row may harm. */
async function startOnOwnPostgres(context: RowContext): Promise<Services> {
  const [redis, postgres] = await Promise.all([RedisServer.start(), startPostgres()]);
  context.onTestFinished(async () => {
    await Promise.all([redis.close(), postgres.close()]);
  });
  return startOn(context, redis, postgres, redis.url);
}

const postgresStopped: RowBody = async (context) => {
  const { expect } = context;
  const { stage, postgres } = await startOnOwnPostgres(context);
  const load = await underLoad(context, stage);
  stage.upstream.failNext({ kind: 'slow', delayMs: 1500 }, 4);
  await new Promise((resolve) => void setTimeout(resolve, 300));
  load.take();
  const waiting = await acceptedCall(context, stage);
  await postgres.stop();
  await isRefusing(context, stage);
  await expect.poll(async () => (await stage.other()).status, { timeout: 10_000 }).toBe(503);
  expect((await postLater(stage, 'later')).status).toBe(503);
  const url = stage.gateways[0]?.url ?? '';
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  // What had been sent is answered: its charges wait.
  await expect.poll(() => load.take(), { timeout: 10_000 }).toContain(200);
  await postgres.start();
  await stage.isBack(20_000);
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 10_000 }).toBe(200);
  expect(await answeredCall(context, stage, waiting)).toMatchObject({ status: 'completed' });
  await noSurprise(context, load);
  await stage.checkMoney();
};

const postgresFrozen: RowBody = async (context) => {
  const { expect } = context;
  const { stage, postgres } = await startOnOwnPostgres(context);
  const load = await underLoad(context, stage);
  postgres.freeze();
  try {
    await isRefusing(context, stage, 15_000);
    expect((await stage.other()).status).toBe(503);
  } finally {
    postgres.thaw();
  }
  await stage.isBack(20_000);
  await noSurprise(context, load);
  await stage.checkMoney();
};

/** Failures of Redis and of Postgres. */
export const SERVICE_FAILURES: Readonly<Record<string, RowBody>> = {
  'redis-stopped': redisStopped,
  'redis-frozen': redisFrozen,
  'redis-flushed': redisFlushed,
  'redis-failed-over': redisFailedOver,
  'postgres-stopped': postgresStopped,
  'postgres-frozen': postgresFrozen,
};
