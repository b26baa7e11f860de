import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { CallRecord, Charge } from '../../core/model/charge.ts';
import { type ListedBudget, listBudgets } from '../../engine/budgets/list-budgets.ts';
import { systemClock } from '../../engine/system-ports.ts';
import { startGateway } from '../../gateway/start-gateway.ts';
import type { Invoice } from '../../simulator/provider-invoice.ts';
import { startSimulatedProvider, type SimulatedProvider } from '../../simulator/simulated-provider.ts';
import { PROJECT_NAMES } from '../../simulator/traffic/traffic-parameters.ts';
import { budgetsPath, ledgerPath } from '../../stores/sqlite/data-files.ts';
import { openSqliteBudgetStore } from '../../stores/sqlite/sqlite-budget-store.ts';
import { openLedgerReader } from '../../stores/sqlite/sqlite-ledger-reader.ts';
import { type BudgetBooks, demoBudgets, refusalsOf } from './demo-budgets.ts';
import { demoPrices } from './demo-models.ts';

/** How the demo's provider and gateway run. @internal */
export interface StackOptions {
  readonly seed: number;
  /** Simulated milliseconds in a real one. */
  readonly timeScale: number;
  /** Share of a realistic provider latency that is really waited for. */
  readonly latencyRatio: number;
  /** How many calls will come: budgets grow with them. */
  readonly calls: number;
  /** What each user may spend, in dollars. Undefined: see `demoBudgets`. */
  readonly userLimitUsd: number | undefined;
}

/** What is left when all has been served: both sides' books. @internal */
export interface Books extends BudgetBooks {
  readonly records: readonly CallRecord[];
  readonly invoice: Invoice;
}

/** A simulated provider with the real gateway in front of it. @internal */
export interface Stack {
  readonly gatewayUrl: string;
  /** One key for each project of the traffic. */
  readonly keys: readonly string[];
  /** Stops the gateway and opens the books: its ledger and counters as they are on disk, and the provider's invoice. */
  settle(): Promise<Books>;
  /** Stops everything and removes the data. */
  close(): Promise<void>;
}

/** Share of requests that the provider refuses once with 500 or 529. */
const FAULT_RATIO = 0.004;
/** For how long the gateway's cache keeps answers, in hours of the simulated day. */
const CACHE_TTL_HOURS = 6;
const HOUR_MS = 3_600_000;
/**
 * Sent with calls that state no limit, so that they do not reserve the model's largest answer; longer than any answer of the day.
 */
const MAX_OUTPUT_TOKENS = 2048;
/** How long calls that can wait gather: a real second, as long as the provider's batches take in a day of a minute. */
const BATCH_GATHER = '1s';
/** Of users: their accounts are all read. */
const MAX_ACCOUNTS = 10_000;

/** Starts the provider, and the gateway on its embedded store in a folder of its own. @internal */
export async function startStack(options: StackOptions): Promise<Stack> {
  const provider = await startSimulatedProvider({
    ...options,
    prices: demoPrices(Date.now()),
    faultRatio: FAULT_RATIO,
  });
  const folder = await mkdtemp(join(tmpdir(), 'farthing-demo-'));
  const secrets = { keys: PROJECT_NAMES.map(newKey), adminKey: newKey() };
  const removeAll = async (): Promise<void> => {
    await provider.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { config } = loadConfig({ text: configText(provider, folder, secrets, options), env: {}, readFile: noFile });
    const gateway = await startGateway({ config });
    let isOpen = true;
    const stop = async (): Promise<void> => {
      if (isOpen) await gateway.close();
      isOpen = false;
    };
    return {
      gatewayUrl: gateway.url,
      keys: secrets.keys,
      settle: async () => {
        const refusals = refusalsOf(await metricsOf(gateway.url, secrets.adminKey));
        await stop();
        const budgets = await countersOf(folder, config);
        return { ...(await ledgerOf(folder)), budgets, refusals, invoice: provider.invoice() };
      },
      close: async () => {
        await stop();
        await removeAll();
      },
    };
  } catch (error) {
    await removeAll();
    throw error;
  }
}

function newKey(): string {
  return `fk-${randomBytes(32).toString('base64url')}`;
}

interface Secrets {
  readonly keys: readonly string[];
  readonly adminKey: string;
}

/** The configuration as a file would say it; JSON is YAML. */
function configText(
  provider: SimulatedProvider,
  folder: string,
  { keys, adminKey }: Secrets,
  options: StackOptions,
): string {
  const apiKey = 'sk-simulated';
  return JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    storage: folder,
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${provider.origin}/v1`, apiKey },
      anthropic: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: provider.origin, apiKey },
    },
    // Breakpoints are not planned: the provider's cache grows old with the simulated day, and the gateway's clock is the real one.
    optimize: { level: 'lossless' },
    // A call of a tool can be checked: what the small model gets wrong is asked of the model that was asked for.
    routes: [
      {
        name: 'tool-calls',
        match: { model: 'gpt-5.4-mini', tools: true },
        cascade: { from: 'openai/gpt-5.4-nano', to: 'openai/gpt-5.4-mini', verify: ['tools'] },
      },
    ],
    cache: { mode: 'deterministic', ttl: `${Math.ceil((CACHE_TTL_HOURS * HOUR_MS) / options.timeScale)}ms` },
    keys: PROJECT_NAMES.map((project, index) => ({ name: project, project, key: keys[index] })),
    admin: { key: adminKey },
    budgets: demoBudgets(options.calls, options.userLimitUsd),
    batch: { gather: BATCH_GATHER },
    limits: { defaultMaxOutputTokens: MAX_OUTPUT_TOKENS },
    log: { level: 'error' },
  });
}

function noFile(path: string): never {
  throw new Error(`the demo reads no file: ${path}`);
}

async function metricsOf(gatewayUrl: string, adminKey: string): Promise<string> {
  const { statusCode, body } = await request(`${gatewayUrl}/metrics`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`the gateway's metrics cannot be read: ${statusCode}`);
  return text;
}

async function countersOf(folder: string, { budgets }: Config): Promise<readonly ListedBudget[]> {
  const store = await openSqliteBudgetStore({ path: budgetsPath(folder), clock: systemClock });
  try {
    const effective = budgets.map((budget) => ({ budget, origin: 'configuration' as const }));
    return await listBudgets(effective, store, { nowMs: systemClock.nowMs(), limit: MAX_ACCOUNTS });
  } finally {
    await store.close();
  }
}

async function ledgerOf(folder: string): Promise<{ charges: readonly Charge[]; records: readonly CallRecord[] }> {
  const reader = await openLedgerReader(ledgerPath(folder));
  try {
    const charges: Charge[] = [];
    for await (const charge of reader.charges({})) charges.push(charge);
    const records: CallRecord[] = [];
    for await (const record of reader.calls({})) records.push(record);
    return { charges, records };
  } finally {
    await reader.close();
  }
}
