import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Config } from '../../src/config/config.ts';
import type { Charge } from '../../src/core/model/charge.ts';
import type { Gateway } from '../../src/gateway/start-gateway.ts';
import { startGateway } from '../../src/gateway/start-gateway.ts';
import type { SimulatedBatchOptions } from '../../src/simulator/batch/batch-options.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { jobsPath, ledgerPath } from '../../src/stores/sqlite/data-files.ts';
import { openSqliteJobStore } from '../../src/stores/sqlite/sqlite-job-store.ts';
import { openLedgerReader } from '../../src/stores/sqlite/sqlite-ledger-reader.ts';
import { CALM } from './gateway-stack.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

/** Keys of two projects, and of the operator. */
export const OWN_KEY = 'fk-own-0123456789abcdef0123456789abcdef';
export const OTHER_KEY = 'fk-other-0123456789abcdef0123456789abcd';
export const ADMIN_KEY = 'an-admin-key-of-gateways-with-deadlines';

/** Batches that are back as soon as they are looked at. */
export const QUICK: SimulatedBatchOptions = { medianMs: 50, spreadSigma: 0, slowRatio: 0, cancellingMs: 50 };

/** A gateway, and a provider with batches behind it. */
export interface DeadlineStage {
  readonly provider: SimulatedProvider;
  readonly gateway: Gateway;
  readonly folder: string;
  /** Asks the gateway; the key is the project's own unless another is named. */
  ask(
    path: string,
    init?: Omit<RequestInit, 'headers'> & {
      readonly key?: string;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ): Promise<Response>;
  /** Ends the gateway, and starts another one on its folder. */
  restart(): Promise<void>;
  /** Gives the gateway other settings while it runs. */
  reload(settings: Readonly<Record<string, unknown>>): Promise<void>;
  /** Every row of the ledger. */
  charges(): Promise<readonly Charge[]>;
  close(): Promise<void>;
}

/** A call's body; every text is another call. */
export function messagesBody(text: string): string {
  return JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 4000, messages: [{ role: 'user', content: text }] });
}

/** The same for OpenAI, whose calls may also wait for the flex tier. */
export function chatBody(text: string): string {
  return JSON.stringify({
    model: 'gpt-5.4-mini',
    messages: [{ role: 'user', content: text }],
    max_completion_tokens: 4000,
  });
}

/** Starts both. */
export async function startDeadlineStage(
  settings: Readonly<Record<string, unknown>> = {},
  batches: SimulatedBatchOptions = QUICK,
): Promise<DeadlineStage> {
  const provider = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0, batches });
  const folder = await mkdtemp(join(tmpdir(), 'farthing-deadlines-'));
  const common = {
    version: 1,
    listen: '127.0.0.1:0',
    storage: folder,
    admin: { key: ADMIN_KEY },
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${provider.origin}/v1`, apiKey: 'sk-simulated' },
      anthropic: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: provider.origin, apiKey: 'sk-simulated' },
    },
    cache: { mode: 'all', ttl: '1h' },
    batch: { gather: '100ms' },
    budgets: [{ name: 'all', scope: 'all', limitUsd: 100, window: 'total' }],
    keys: [
      { name: 'own', project: 'own', key: OWN_KEY },
      { name: 'other', project: 'other', key: OTHER_KEY },
    ],
    limits: CALM,
    log: { level: 'silent' },
  };
  const configOf = (changes: Readonly<Record<string, unknown>>): Config => {
    const text = JSON.stringify({ ...common, ...settings, ...changes });
    return loadConfig({ text, env: {}, readFile: () => '' }).config;
  };
  let gateway = await startGateway({ config: configOf({}) });
  return {
    provider,
    get gateway() {
      return gateway;
    },
    folder,
    ask: (path, { key = OWN_KEY, headers, ...init } = {}) =>
      fetch(`${gateway.url}${path}`, {
        ...init,
        headers: {
          authorization: `Bearer ${key}`,
          // A media type without a body is refused.
          ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      }),
    restart: async () => {
      await gateway.close();
      gateway = await startGateway({ config: configOf({}) });
    },
    reload: (changes) => gateway.reload({ config: configOf(changes) }),
    charges: () => chargesIn(folder),
    close: async () => {
      await gateway.close();
      await provider.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Lets a call's hour come: from now on no batch is waited for. */
export async function endWaiting(folder: string, callId: string): Promise<void> {
  const jobs = await openSqliteJobStore(jobsPath(folder));
  try {
    for (;;) {
      const [job] = await jobs.read([callId]);
      if (job === undefined) throw new Error(`${callId} is not kept`);
      // It is not to be put into a batch in the moment before it is asked.
      const state = job.state === 'waiting' ? 'live' : job.state;
      const set = { state, liveAtMs: Date.now(), liveTier: 'default' } as const;
      const [isMade] = await jobs.update([{ callId, version: job.version, set }]);
      if (isMade === true) return;
    }
  } finally {
    await jobs.close();
  }
}

async function chargesIn(folder: string): Promise<readonly Charge[]> {
  const reader = await openLedgerReader(ledgerPath(folder));
  try {
    const charges: Charge[] = [];
    for await (const charge of reader.charges({})) charges.push(charge);
    return charges;
  } finally {
    await reader.close();
  }
}

/** What charges sum up to, in nano-dollars. */
export function sumOf(charges: readonly Charge[]): bigint {
  return charges.reduce((sum, { amountNanoUsd }) => sum + BigInt(amountNanoUsd ?? 0), 0n);
}
