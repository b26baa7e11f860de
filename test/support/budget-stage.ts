import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineFetch } from '../../src/client/engine-fetch.ts';
import type { LibraryProvider } from '../../src/client/provider-origins.ts';
import type { Budget } from '../../src/core/budget/budget.ts';
import type { Charge } from '../../src/core/model/charge.ts';
import { parseUsd } from '../../src/core/money.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { DEFAULT_RESILIENCE } from '../../src/core/resilience/resilience-policy.ts';
import { listBudgets } from '../../src/engine/budgets/list-budgets.ts';
import { openBudgets } from '../../src/engine/budgets/open-budgets.ts';
import { verifyBudgets } from '../../src/engine/budgets/verify-budgets.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import { undiciProvider } from '../../src/providers/undici/undici-provider.ts';
import { MemoryBudgetStore } from '../../src/stores/memory/memory-budget-store.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { type Figures, figuresOf, hardBudget } from './budget-calls.ts';
import { ledgerContents } from './charges-of.ts';
import { type GatewayProcess, runCommand, startGatewayProcess } from './gateway-process.ts';
import { startPostgres, whyNoPostgres } from './postgres-server.ts';
import { hasRedis, RedisServer } from './redis-server.ts';

/** Where clients of a stage send their calls. */
export interface Door {
  /** Without `/v1`. */
  readonly baseUrl: string;
  readonly fetch: typeof globalThis.fetch;
}

/** Farthing with one hard budget on everything, named `everything`. */
export interface BudgetStage {
  readonly doors: readonly Door[];
  charges(): Promise<readonly Charge[]>;
  figures(): Promise<Figures>;
  /** What `farthing ledger verify` says, empty when it has nothing to say against the counters. */
  drift(): Promise<string>;
  close(): Promise<void>;
}

/** What a stage is started with. */
export interface StageTerms {
  readonly limitUsd: string;
  readonly budgetWaitMs: number;
  /** For how long a provider may be silent. @defaultValue 120_000 */
  readonly silenceMs?: number;
}

/** One way to count budgets. */
export interface StageKind {
  readonly name: string;
  /** Why it cannot be had here. */
  readonly missing: string | undefined;
  start(origin: string, terms: StageTerms): Promise<BudgetStage>;
}

/** Every way to count budgets. */
export const STAGES: readonly StageKind[] = [
  { name: 'the engine in this process, in memory', missing: undefined, start: startEngineStage },
  { name: 'four gateways on one folder', missing: undefined, start: (...given) => startFolderStage(4, [], ...given) },
  {
    name: 'one gateway of four workers',
    missing: undefined,
    start: (...given) => startFolderStage(1, ['--workers', '4'], ...given),
  },
  { name: 'four gateways on Redis and Postgres', missing: whyNoServices(), start: startServicesStage },
];

/** Why gateways on Redis and Postgres cannot be tested here. */
export function whyNoServices(): string | undefined {
  return hasRedis() ? whyNoPostgres() : 'there is no redis-server';
}

async function startEngineStage(origin: string, terms: StageTerms): Promise<BudgetStage> {
  const ports = { clock: systemClock, random: systemRandom };
  const events = { emit: () => undefined };
  const budget = budgetOf(terms.limitUsd);
  const [store, ledger] = [new MemoryBudgetStore(ports), new MemoryLedger()];
  const budgets = await openBudgets({ store, ledger, budgets: [budget], events, ...ports });
  const providers: Readonly<Record<string, LibraryProvider>> = {
    openai: { protocol: 'openai', baseUrl: `${origin}/v1` },
    anthropic: { protocol: 'anthropic', baseUrl: origin },
  };
  const { silenceMs = 120_000 } = terms;
  const engine = createEngine({
    providers: Object.entries(providers).map(([name, { protocol, baseUrl }]) => ({
      provider: undiciProvider({ name, protocol, baseUrl, apiKeys: [{ key: 'test' }], random: systemRandom }),
      vendor: name,
      identity: baseUrl,
    })),
    priceBook: shippedPriceBook(),
    ledger,
    reader: ledger,
    ownerId: ledger.ownerId,
    budgets,
    budgetPolicy: { waitMs: terms.budgetWaitMs },
    timeouts: { firstByteMs: silenceMs, idleMs: silenceMs, totalMs: 600_000 },
    resilience: { retries: 0, cooldown: { ...DEFAULT_RESILIENCE.cooldown, lengthMs: 0 } },
    events,
    ...ports,
  });
  const caller = { project: 'default', keyId: 'local' };
  const fetch = engineFetch({ engine: () => Promise.resolve(engine), caller, providers });
  const verified = { ledger, store, book: undefined, clock: systemClock, livingOwners: () => ledger.livingOwners() };
  return {
    doors: [{ baseUrl: origin, fetch }],
    async charges() {
      const charges: Charge[] = [];
      for await (const charge of ledger.charges({})) charges.push(charge);
      return charges;
    },
    async figures() {
      const query = { nowMs: Date.now(), limit: 1, value: undefined };
      const [listed] = await listBudgets([{ budget, origin: 'configuration' }], store, query);
      const [account] = listed?.figures.accounts ?? [];
      const { usedNanoUsd = 0, heldNanoUsd = 0 } = account ?? {};
      return { limitNanoUsd: budget.limitNanoUsd, usedNanoUsd, heldNanoUsd };
    },
    async drift() {
      const { drifts } = await verifyBudgets({ ...verified, sleep: () => Promise.resolve() });
      return drifts.map((drift) => JSON.stringify(drift)).join('\n');
    },
    async close() {
      await engine.close();
      await budgets.close();
      await ledger.close();
    },
  };
}

function budgetOf(limitUsd: string): Budget {
  return {
    name: 'everything',
    scope: { kind: 'all' },
    limitNanoUsd: parseUsd(limitUsd),
    window: { kind: 'total' },
    timezone: 'UTC',
    mode: 'hard',
    alertAtRatios: [],
    onLowBudget: 'refuse',
  };
}

async function startFolderStage(
  count: number,
  words: readonly string[],
  origin: string,
  terms: StageTerms,
): Promise<BudgetStage> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-budgets-'));
  const settings = settingsOf(terms);
  const gateways = await startAll(count, () => startGatewayProcess(folder, origin, { settings, words }));
  return stageOf(gateways, join(folder, 'data', 'ledger.db'), async () => {
    rmSync(folder, { recursive: true, force: true });
  });
}

async function startServicesStage(origin: string, terms: StageTerms): Promise<BudgetStage> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-budgets-'));
  const [redis, postgres] = await Promise.all([RedisServer.start(), startPostgres()]);
  const url = await postgres.createDatabase();
  const settings = { ...settingsOf(terms), storage: { redis: redis.url, postgres: url } };
  const gateways = await startAll(4, () => startGatewayProcess(folder, origin, { settings }));
  return stageOf(gateways, url, async () => {
    await Promise.all([redis.close(), postgres.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
}

/** Settings of gateways with one hard budget and no cache. */
export function settingsOf({
  limitUsd,
  budgetWaitMs,
  silenceMs = 120_000,
}: StageTerms): Readonly<Record<string, unknown>> {
  return {
    budgets: [hardBudget(limitUsd)],
    cache: { mode: 'off' },
    limits: { budgetWait: `${budgetWaitMs}ms`, drainTimeout: '2s' },
    // A call is one attempt, and a target rests only where nothing but failures comes from it.
    resilience: {
      firstByteTimeout: `${silenceMs}ms`,
      idleTimeout: `${silenceMs}ms`,
      retries: 0,
      cooldown: { failures: 1000, ratio: 1 },
    },
    log: { level: 'silent' },
  };
}

/** The first one makes the files, so that the others need not wait for each other. */
async function startAll(count: number, start: () => Promise<GatewayProcess>): Promise<readonly GatewayProcess[]> {
  const first = await start();
  return [first, ...(await Promise.all(Array.from({ length: count - 1 }, start)))];
}

function stageOf(gateways: readonly GatewayProcess[], ledger: string, cleanUp: () => Promise<void>): BudgetStage {
  const [first] = gateways;
  if (first === undefined) throw new Error('a stage has a gateway');
  return {
    doors: gateways.map(({ url }) => ({ baseUrl: url, fetch: globalThis.fetch })),
    charges: async () => (await ledgerContents(ledger)).charges,
    figures: () => figuresOf(first.url),
    async drift() {
      const { code, output } = await runCommand('ledger', 'verify', '--config', first.config);
      return code === 0 ? '' : `exit code ${code}: ${output}`;
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.end('SIGTERM')));
      await cleanUp();
    },
  };
}
