import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { Charge } from '../../../src/core/model/charge.ts';
import { formatUsd, nanoUsd } from '../../../src/core/money.ts';
import { gatewayLog } from '../../../src/gateway/gateway-log.ts';
import { startGateway } from '../../../src/gateway/start-gateway.ts';
import type { SimulatedBatchOptions } from '../../../src/simulator/batch/batch-options.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../../src/simulator/simulated-provider.ts';
import { type BudgetCall, type CallEnd, figuresOf, hardBudget, makeCall } from '../budget-calls.ts';
import { ledgerContents, sumOf } from '../charges-of.ts';
import { configurationText, PROCESS_ADMIN_KEY, startGatewayProcess } from '../gateway-process.ts';
import { SIMULATED_PRICES } from '../simulated-prices.ts';

/** What the body of a row has of its test. */
export type RowContext = Pick<TestContext, 'expect' | 'onTestFinished'>;

/** Provokes one failure and asserts what the document says of it. */
export type RowBody = (context: RowContext) => Promise<void>;

/** A gateway of a row. */
export interface StageGateway {
  readonly url: string;
  /** Its process; undefined where it runs in this one. */
  readonly pid: number | undefined;
  /** Ends it as an operator would; where it has a process, any signal. */
  end(signal?: NodeJS.Signals): Promise<unknown>;
}

/** How {@link startFailureStage} starts. */
export interface FailureStageOptions {
  /** @defaultValue a folder */
  readonly storage?: { readonly redis: string; readonly postgres: string };
  /** Members of the configuration. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly limitUsd?: string;
  /** Whether each gateway gets a process. @defaultValue false */
  readonly hasProcesses?: boolean;
  /** How many gateways are there from the start. @defaultValue 1 */
  readonly gateways?: number;
  /** How the provider's batches behave. */
  readonly batches?: SimulatedBatchOptions;
  /** Another upstream than the simulated one. */
  readonly origin?: string;
}

/** Gateways with a hard budget on one model, and the provider behind them. */
export class FailureStage {
  readonly upstream: SimulatedProvider;
  readonly folder: string;
  readonly gateways: StageGateway[] = [];
  /** Lines of the logs of gateways in this process. */
  readonly log: string[] = [];
  readonly #options: FailureStageOptions;
  readonly #context: RowContext;
  #calls = 0;

  constructor(context: RowContext, upstream: SimulatedProvider, folder: string, options: FailureStageOptions) {
    this.#context = context;
    this.upstream = upstream;
    this.folder = folder;
    this.#options = options;
  }

  /** The ledger, as `ledgerContents` takes it. */
  get ledger(): string {
    return this.#options.storage?.postgres ?? join(this.folder, 'data', 'ledger.db');
  }

  /** Starts one more gateway. */
  async add(nodeOptions: readonly string[] = []): Promise<StageGateway> {
    const { storage, settings, limitUsd = '1', hasProcesses = false } = this.#options;
    const origin = this.#options.origin ?? this.upstream.origin;
    const all = {
      budgets: [{ ...hardBudget(limitUsd), scope: 'model:openai/gpt-5.4-mini', window: { rolling: '1h' } }],
      cache: { mode: 'off' },
      limits: { budgetWait: '200ms', drainTimeout: '1s' },
      log: { level: 'warn' },
      ...(storage === undefined ? {} : { storage }),
      ...settings,
    };
    const gateway = hasProcesses
      ? await this.#startProcess(origin, { ...all, log: { level: 'silent' } }, nodeOptions)
      : await this.#startHere(origin, all);
    this.gateways.push(gateway);
    return gateway;
  }

  async #startProcess(
    origin: string,
    settings: Readonly<Record<string, unknown>>,
    nodeOptions: readonly string[],
  ): Promise<StageGateway> {
    const started = await startGatewayProcess(this.folder, origin, { settings, nodeOptions, stderr: 'ignore' });
    this.#context.onTestFinished(async () => {
      await started.end('SIGKILL');
    });
    return { url: started.url, pid: started.child.pid, end: (signal = 'SIGTERM') => started.end(signal) };
  }

  async #startHere(origin: string, settings: Readonly<Record<string, unknown>>): Promise<StageGateway> {
    const text = configurationText(this.folder, origin, settings);
    const { config } = loadConfig({ text, env: {}, readFile: () => '' });
    const log = gatewayLog('warn', { write: (line) => void this.log.push(line) });
    const gateway = await startGateway({ config, log });
    this.#context.onTestFinished(() => gateway.close());
    return { url: gateway.url, pid: undefined, end: () => gateway.close() };
  }

  /** A call under the hard budget. */
  hard(gateway = 0, call: Partial<BudgetCall> = {}): Promise<CallEnd> {
    this.#calls += 1;
    return makeCall(this.gateways[gateway]?.url ?? '', { content: `question ${this.#calls}`, ...call });
  }

  /** A call that no hard budget counts. */
  other(gateway = 0): Promise<CallEnd> {
    return this.hard(gateway, { protocol: 'anthropic' });
  }

  async charges(): Promise<readonly Charge[]> {
    return (await ledgerContents(this.ledger)).charges;
  }

  /**
   * Resolves when calls under the hard budget are answered again, at every gateway. On a busy machine a building of the counters may lose its answers and is then taken over
   * after the 45 s that others wait for it.
   */
  async isBack(timeoutMs = 80_000): Promise<void> {
    for (const index of this.gateways.keys()) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await this.#context.expect
        .poll(async () => (await this.hard(index)).status, { timeout: timeoutMs, interval: 100 })
        .toBe(200);
    }
  }

  /**
   * Holds ledger and counters against the provider's bill: to the nano-dollar, as long as every answer came to its end. Then lowers the limit to a few calls more, asks
   * for many at once and looks that it holds.
   */
  async checkMoney(): Promise<void> {
    const { expect } = this.#context;
    await this.#balances();
    const { usedNanoUsd } = await figuresOf(this.gateways[0]?.url ?? '');
    const limit = nanoUsd(usedNanoUsd + 3_000_000);
    await this.setLimit(formatUsd(limit));
    const burst = Array.from({ length: 40 }, (_, number) => this.hard(number % this.gateways.length));
    const statuses = (await Promise.all(burst)).map(({ status }) => status);
    // 503: the machine is too busy to ask the counters in time.
    expect(statuses.filter((status) => ![200, 402, 429, 503].includes(status))).toEqual([]);
    expect(statuses).toContain(200);
    expect(this.billed()).toBeLessThanOrEqual(BigInt(limit));
    await this.#balances();
  }

  /** What the provider has billed for the model of the hard budget. */
  billed(): bigint {
    return this.upstream.invoice().byModel['gpt-5.4-mini']?.totalNanoUsd ?? 0n;
  }

  async setLimit(limitUsd: string): Promise<void> {
    const { expect } = this.#context;
    const url = `${this.gateways[0]?.url ?? ''}/admin/v1/budgets/everything`;
    const headers = { authorization: `Bearer ${PROCESS_ADMIN_KEY}`, 'content-type': 'application/json' };
    const reply = await fetch(url, { method: 'PUT', headers, body: JSON.stringify({ limitUsd }) });
    expect(reply.status).toBe(200);
    // Within a second every process knows.
    await new Promise((resolve) => void setTimeout(resolve, this.gateways.length > 1 ? 1200 : 0));
  }

  async #balances(): Promise<void> {
    const { expect } = this.#context;
    const url = this.gateways[0]?.url ?? '';
    await expect
      .poll(() => figuresOf(url), { timeout: 15_000, interval: 100 })
      .toMatchObject({ usedNanoUsd: Number(this.billed()), heldNanoUsd: 0 });
    const { charges, openIntents } = await ledgerContents(this.ledger);
    expect(openIntents).toEqual([]);
    expect(sumOf(charges)).toBe(this.upstream.invoice().totalNanoUsd);
    expect(new Set(charges.map(({ chargeId }) => chargeId)).size).toBe(charges.length);
  }
}

/** Starts one; everything is closed when the test ends. */
export async function startFailureStage(context: RowContext, options: FailureStageOptions = {}): Promise<FailureStage> {
  const { batches } = options;
  const upstream = await startSimulatedProvider({
    prices: SIMULATED_PRICES,
    latencyRatio: 0.05,
    ...(batches !== undefined && { batches }),
  });
  context.onTestFinished(() => upstream.close());
  const folder = mkdtempSync(join(tmpdir(), 'farthing-failure-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const stage = new FailureStage(context, upstream, folder, options);
  // oxlint-disable-next-line no-await-in-loop -- the first one makes the files
  for (let count = 0; count < (options.gateways ?? 1); count += 1) await stage.add();
  return stage;
}

/** Calls under the hard budget that keep coming. */
export interface Load {
  /** Statuses of calls that began since the last look. */
  take(): readonly number[];
  /** Resolves when those under way are over; gives the statuses of all. */
  stop(): Promise<readonly number[]>;
}

/** Keeps calls coming at all gateways. A connection that breaks rejects `stop`. */
export function startLoad(stage: FailureStage, callers = 6): Load {
  const all: number[] = [];
  let seen = 0;
  const state = { isOver: false };
  const call = async (caller: number): Promise<void> => {
    for (let number = caller; !state.isOver; number += 1) {
      /* oxlint-disable no-await-in-loop -- one call after the other */
      all.push((await stage.hard(number % stage.gateways.length, { isStream: number % 2 === 1 })).status);
      await new Promise((resolve) => void setTimeout(resolve, 40));
      /* oxlint-enable no-await-in-loop */
    }
  };
  const calling = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  calling.catch(() => undefined); // `stop` tells
  return {
    take() {
      const statuses = all.slice(seen);
      seen = all.length;
      return statuses;
    },
    async stop() {
      state.isOver = true;
      await calling;
      return all;
    },
  };
}
