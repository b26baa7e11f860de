import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { CollectingSink } from '../../src/client/collecting-sink.ts';
import { usedOf, heldOf } from '../../src/core/budget/account-state.ts';
import type { Budget } from '../../src/core/budget/budget.ts';
import type { Job } from '../../src/core/model/deferred-call.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { operatorPrices } from '../../src/core/price-operator.ts';
import { bookPricer } from '../../src/engine/book-pricer.ts';
import { BudgetUpkeep } from '../../src/engine/budgets/budget-upkeep.ts';
import type { Budgets } from '../../src/engine/budgets/open-budgets.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import type { DeferredEngine } from '../../src/jobs/batch/batch-parts.ts';
import { BatchPlanner } from '../../src/jobs/batch/batch-planner.ts';
import { BatchWorker } from '../../src/jobs/batch/batch-worker.ts';
import { DurationBook } from '../../src/jobs/batch/duration-book.ts';
import { BudgetKeeper } from '../../src/middleware/budget/budget-keeper.ts';
import type { Provider, ProviderListener } from '../../src/ports/provider.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { MemoryBudgetStore } from '../../src/stores/memory/memory-budget-store.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { MemoryJobStore } from '../../src/stores/memory/memory-job-store.ts';
import { MemoryStateStore } from '../../src/stores/memory/memory-state-store.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { MemoryLedgerRows } from '../../src/stores/memory-ledger/memory-ledger-rows.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const MODEL = 'gpt-5.4-mini';
const TARGET = `openai/${MODEL}`;
const PRICES = { input: '1', output: '4', batchRatio: '0.5' };
const PRICE_BOOK = operatorPrices({ [TARGET]: PRICES });
const OUTPUT_TOKENS = 16;
const HOUR_MS = 3_600_000;
/** No owner's lease lapses by itself: a test says who dies. */
const LEDGER_LEASE_MS = 1000 * HOUR_MS;

/** The most that one call may cost live: what is held for it. */
export const BOUND_NANO_USD = 442_007;

/** What a whole answer costs live: 20 tokens of input and 10 of output. */
export const ANSWER_NANO_USD = 60_000;

const REPLY = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: MODEL,
  choices: [{ index: 0, message: { role: 'assistant', content: 'four' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 },
});

/** What the provider does with a request: answers, fails at no cost, breaks off within the answer, or says nothing for ever. */
export type Behaviour = 'answer' | 'fail' | 'break' | 'hang';

/** One process: its clock may be wrong, and it may die. */
export interface HeldProcess {
  readonly clock: FakeClock;
  readonly ledger: MemoryLedger;
  readonly budgets: Budgets;
  readonly engine: Engine;
  readonly worker: BatchWorker;
  /** An interactive call of the same account; its status. @param seed - tells it from others. */
  ask(seed: number): Promise<number>;
}

interface Counting {
  readonly keeper: BudgetKeeper;
  readonly upkeep: BudgetUpkeep;
  readonly ledger: MemoryLedger;
}

/** Runs before a call that was deferred is asked live. */
type Meanwhile = (process: HeldProcess) => Promise<unknown>;

/** Processes that share a ledger, budgets and deferred calls, under one hard budget that is as tight as a test wants. */
export class HeldMoneyStage {
  readonly jobs: MemoryJobStore = new MemoryJobStore();
  readonly clock: FakeClock = new FakeClock();
  readonly store: MemoryBudgetStore = new MemoryBudgetStore({ clock: this.clock });
  readonly rows: MemoryLedgerRows = new MemoryLedgerRows(100_000);
  /** What the provider does next; it answers when there is nothing here. */
  readonly script: Behaviour[] = [];
  /** As {@link script}, for calls that were deferred. */
  readonly liveScript: Behaviour[] = [];
  /** What the provider bills, in nano-dollars. */
  billedNanoUsd = 0;
  meanwhile: Meanwhile = () => Promise.resolve();
  readonly #cache = new MemoryCacheStore({ clock: this.clock });
  readonly #clocks: FakeClock[] = [this.clock];
  readonly #budget: Budget;
  readonly #isCached: boolean;
  #counting: readonly Counting[] = [];
  #processes = 0;
  #calls = 0;

  constructor(budget: Partial<Budget> = {}, isCached = false) {
    this.#budget = {
      name: 'all',
      scope: { kind: 'all' },
      limitNanoUsd: nanoUsd(1e9),
      window: { kind: 'total' },
      timezone: 'UTC',
      mode: 'hard',
      alertAtRatios: [],
      onLowBudget: 'refuse',
      ...budget,
    };
    this.#isCached = isCached;
  }

  /** @param aheadMs - by how much its clock is wrong. */
  async process(aheadMs = 0): Promise<HeldProcess> {
    this.#processes += 1;
    const random = seededRandom(this.#processes);
    const clock = aheadMs === 0 ? this.clock : new FakeClock(this.clock.nowMs() + aheadMs);
    if (aheadMs !== 0) this.#clocks.push(clock);
    const share = { rows: this.rows, clock, random, leaseMs: LEDGER_LEASE_MS };
    const ledger = new MemoryLedger({}, share);
    const events = { emit: () => undefined };
    const { store } = this;
    const keeper = new BudgetKeeper({ store, ledger, budgets: [this.#budget], clock, events, maxAccounts: 10 });
    const sleep = (): Promise<void> => nextTurn();
    const upkeep = new BudgetUpkeep({ store, ledger, keeper, book: undefined, clock, random, events, sleep });
    this.#counting = [...this.#counting, { keeper, upkeep, ledger }];
    await this.ready();
    const budgets: Budgets = {
      keeper,
      get isReady() {
        return keeper.isReady;
      },
      setBudgets: (next) => keeper.setBudgets(next),
      close: () => Promise.resolve(),
    };
    const engine = createEngine({
      providers: [{ provider: this.#provider(), vendor: 'openai', identity: 'here' }],
      priceBook: PRICE_BOOK,
      cache: this.#isCached ? { store: this.#cache, mode: 'all', ttlMs: 100 * HOUR_MS } : undefined,
      ledger,
      reader: ledger,
      ownerId: ledger.ownerId,
      budgets,
      budgetPolicy: { waitMs: 0 },
      resilience: { retries: 0, cooldown: { failures: 1e9, failureRatio: 1, lengthMs: 1, refusedLengthMs: 1 } },
      clock,
      random,
    });
    const process: HeldProcess = {
      clock,
      ledger,
      budgets,
      engine,
      worker: this.#worker(clock, () => ({ ...enginePorts(engine), handle })),
      async ask(seed) {
        const sink = new CollectingSink();
        await engine.handle(requestOf(seed), sink);
        return sink.status;
      },
    };
    const handle: DeferredEngine['handle'] = async (request, sink) => {
      await this.meanwhile(process);
      await engine.handle(request, sink);
    };
    return process;
  }

  /** Lets time pass until all processes may give money out. */
  async ready(): Promise<void> {
    const isReady = (): boolean => this.#counting.every(({ keeper }) => keeper.isReady);
    for (let round = 0; round === 0 || (!isReady() && round < 1000); round += 1) {
      for (const clock of this.#clocks) clock.advance(50);
      for (const { keeper, upkeep } of this.#counting) {
        keeper.tick();
        // oxlint-disable-next-line no-await-in-loop -- time passes
        await Promise.race([upkeep.run(), nextTurn()]);
      }
    }
    expect(isReady()).toBe(true);
  }

  /** A process is gone, and that is known. */
  async kill({ ledger, clock }: HeldProcess): Promise<void> {
    this.#counting = this.#counting.filter((each) => each.ledger !== ledger);
    this.rows.end(ledger.ownerId, clock.nowMs());
    await this.pass(0);
  }

  #worker(clock: FakeClock, engine: () => DeferredEngine): BatchWorker {
    const { jobs } = this;
    const events = { emit: () => undefined };
    const random = seededRandom(this.#processes + 1000);
    const states = new MemoryStateStore({ clock });
    const durations = new DurationBook({ states, jobs, clock, events });
    const planner = new BatchPlanner({
      pricer: () => bookPricer(PRICE_BOOK, new Map([['openai', 'openai']])),
      providerOf: () => undefined,
      durations,
    });
    return new BatchWorker({ jobs, engine, providerOf: () => undefined, planner, durations, clock, random, events });
  }

  #provider(): Provider {
    return {
      name: 'openai',
      protocol: 'openai',
      send: ({ body }, listener) => {
        const isLive = body instanceof Uint8Array && Buffer.from(body).includes('Item 0000-');
        void nextTurn().then(() => this.#serve(listener, isLive ? this.liveScript : this.script));
        return { resume: () => undefined };
      },
      close: () => Promise.resolve(),
    };
  }

  #serve(listener: ProviderListener, script: Behaviour[]): void {
    const behaviour = script.shift() ?? 'answer';
    if (behaviour === 'hang') return;
    if (behaviour === 'fail') {
      listener.onHead(503, { 'content-type': 'application/json' });
      listener.onData(Buffer.from('{"error":{"message":"no"}}'));
      listener.onEnd();
      return;
    }
    listener.onHead(200, { 'content-type': 'application/json' });
    const isWhole = behaviour === 'answer';
    if (isWhole) this.billedNanoUsd += ANSWER_NANO_USD;
    listener.onData(Buffer.from(isWhole ? REPLY : REPLY.slice(0, 20)));
    if (isWhole) listener.onEnd();
    else listener.onError(new Error('the connection broke'), true);
  }

  /** Takes a call that is asked live after a while, and gives its job. */
  async defer(process: HeldProcess, afterMs: number = HOUR_MS): Promise<Job> {
    const job = await this.tryDefer(process, afterMs);
    expect(job?.call.boundNanoUsd).toBe(BOUND_NANO_USD);
    return job as Job;
  }

  /** As {@link defer}; undefined: there is no money for it. */
  async tryDefer({ engine, clock }: HeldProcess, afterMs: number = HOUR_MS): Promise<Job | undefined> {
    this.#calls += 1;
    const { jobs } = this;
    const liveAtMs = clock.nowMs() + afterMs;
    const sink = new CollectingSink();
    let callId = '';
    await engine.handle(
      {
        ...requestOf(-this.#calls),
        deferral: {
          terms: { run: '', position: 0, deadlineAtMs: liveAtMs + HOUR_MS, webhookUrl: undefined },
          mayAnswerLive: false,
          async accept(call) {
            ({ callId } = call);
            await jobs.add([{ ...BEGUN, call, liveAtMs }]);
            const reply = { status: 202, headers: { 'content-type': 'application/json' }, body: '{}' };
            return { confirm: () => Promise.resolve(reply) };
          },
        },
      },
      sink,
    );
    return sink.status === 202 ? this.job(callId) : undefined;
  }

  async job(callId: string): Promise<Job> {
    const [job] = await this.jobs.read([callId]);
    if (job === undefined) throw new Error(`there is no job ${callId}`);
    return job;
  }

  async pass(durationMs: number): Promise<void> {
    for (const clock of this.#clocks) clock.advance(durationMs);
    await this.ready();
    for (const { keeper } of this.#counting) await keeper.settleDown(false); // oxlint-disable-line no-await-in-loop -- one after the other
  }

  /** What the ledger sums to. */
  charged(): number {
    return this.rows.spending({}).reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0);
  }

  /** The ids of a call's rows, without the call's. */
  rowsOf(callId: string): readonly string[] {
    return this.rows.charges().flatMap((row) => (row.callId === callId ? [row.chargeId.slice(callId.length)] : []));
  }

  /** What the counters have given away: spent, and held by processes. */
  async given(): Promise<number> {
    let sum = 0;
    for await (const [, state] of this.store.accounts()) sum += usedOf(state) + heldOf(state);
    return sum;
  }
}

const BEGUN: Omit<Job, 'call' | 'liveAtMs'> = {
  state: 'live',
  version: 1,
  attempts: 1,
  batchId: undefined,
  liveTier: 'default',
  batches: 0,
  leaseUntilMs: 0,
  result: undefined,
  toldAtMs: undefined,
};

function enginePorts(engine: Engine): DeferredEngine {
  return {
    handle: (request, sink) => engine.handle(request, sink),
    settleDeferred: (call, end) => engine.settleDeferred(call, end),
    isHeldWhole: (callId) => engine.isHeldWhole(callId),
    publish: (record) => engine.publish(record),
  };
}

function requestOf(seed: number): Parameters<Engine['handle']>[0] {
  const messages = [
    { role: 'user', content: `Item ${seed < 0 ? '0000-' : '00000'}${String(Math.abs(seed)).padStart(3, '0')}` },
  ];
  const body = { model: MODEL, messages, max_completion_tokens: OUTPUT_TOKENS };
  return {
    endpoint: 'chat',
    body: Buffer.from(JSON.stringify(body)),
    headers: {},
    caller: { project: 'p', keyId: 'k' },
    signal: new AbortController().signal,
  };
}
