import { CollectingSink } from '../../src/client/collecting-sink.ts';
import type { Job, UnansweredPolicy } from '../../src/core/model/deferred-call.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { operatorPrices } from '../../src/core/price-operator.ts';
import { bookPricer } from '../../src/engine/book-pricer.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import { BatchDesk } from '../../src/jobs/batch/batch-desk.ts';
import type { BatchWorkSettings, DeferredEngine } from '../../src/jobs/batch/batch-parts.ts';
import { BatchPlanner } from '../../src/jobs/batch/batch-planner.ts';
import type { BatchProvider } from '../../src/jobs/batch/batch-provider.ts';
import { BatchWorker } from '../../src/jobs/batch/batch-worker.ts';
import { DurationBook } from '../../src/jobs/batch/duration-book.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { BatchApi } from '../../src/ports/batch-api.ts';
import type { Jobs } from '../../src/ports/job-store.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { batchApiOf } from '../../src/providers/batch/batch-api-of.ts';
import type { SimulatedBatchOptions } from '../../src/simulator/batch/batch-options.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { MemoryJobStore } from '../../src/stores/memory/memory-job-store.ts';
import { MemoryStateStore } from '../../src/stores/memory/memory-state-store.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { collect } from '../../src/testing/collect.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { simulatedBatchProvider, type SimulatedBatchProvider } from '../../src/testing/simulated-batch-provider.ts';
import { crashing, Fuse } from './crashing-port.ts';

/** Whose prices the providers and the engine share: $1 and $4 a million tokens; half of it in batches and flex. */
const PRICES = { input: '1', output: '4', batchRatio: '0.5', flexRatio: '0.5' };
const SIMULATED = { input: 1_000_000, output: 4_000_000 };

export const MODELS = { openai: 'gpt-5.4-mini', anthropic: 'claude-haiku-4-5' } as const;
export type Vendor = keyof typeof MODELS;

/** A call that is to be answered later. */
export interface WorldCall {
  readonly vendor: Vendor;
  readonly run: string;
  readonly position: number;
  readonly deadlineMs: number | undefined;
  readonly onUnanswered: UnansweredPolicy;
  /** The tier that its caller names. @defaultValue none */
  readonly serviceTier?: string;
}

export interface WorldOptions {
  readonly seed: number;
  readonly batches: SimulatedBatchOptions;
  readonly flexBusyRatio: number;
  readonly maxRequests: number;
  readonly settings?: Partial<BatchWorkSettings>;
  /** A provider's batches as they are to be seen. Undefined: the provider is not in the configuration. @defaultValue as they are */
  readonly apiOf?: (api: BatchApi) => BatchApi | undefined;
  /** The store as the desk and the workers are to see it. @defaultValue as it is */
  readonly jobsOf?: (jobs: Jobs) => Jobs;
  /** The ledger as the engine is to see it. @defaultValue as it is */
  readonly ledgerOf?: (ledger: MemoryLedger) => Ledger;
}

/** How often time may stand until all is done. */
const MAX_ROUNDS = 4_000;

/** Deferred calls, both providers, and workers that die, in the time of a clock. */
export class BatchWorld {
  readonly clock: FakeClock = new FakeClock();
  readonly jobs: MemoryJobStore = new MemoryJobStore();
  readonly ledger: MemoryLedger = new MemoryLedger();
  readonly engine: Engine;
  readonly simulated: Readonly<Record<Vendor, SimulatedBatchProvider>>;
  readonly events: EngineEvent[] = [];
  readonly published: CallRecord[] = [];
  readonly listeners: Set<(job: Job) => void> = new Set();
  readonly states: MemoryStateStore;
  readonly #options: WorldOptions;
  readonly #planner: BatchPlanner;
  readonly #durations: DurationBook;
  readonly #random;
  #workers = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { seed, batches, flexBusyRatio } = options;
    const { clock } = this;
    this.#random = seededRandom(seed);
    this.states = new MemoryStateStore({ clock });
    const simulatedOf = (vendor: Vendor): SimulatedBatchProvider =>
      simulatedBatchProvider({
        protocol: vendor,
        clock,
        seed,
        prices: { [MODELS[vendor]]: SIMULATED },
        batches,
        flexBusyRatio,
      });
    this.simulated = { openai: simulatedOf('openai'), anthropic: simulatedOf('anthropic') };
    const priceBook = operatorPrices({
      [`openai/${MODELS.openai}`]: PRICES,
      [`anthropic/${MODELS.anthropic}`]: PRICES,
    });
    const vendors = new Map([
      ['openai', 'openai'],
      ['anthropic', 'anthropic'],
    ]);
    this.engine = createEngine({
      providers: (['openai', 'anthropic'] as const).map((vendor) => ({
        provider: this.simulated[vendor].provider,
        vendor,
        identity: vendor,
      })),
      priceBook,
      ledger: (options.ledgerOf ?? same)(this.ledger),
      reader: this.ledger,
      ownerId: this.ledger.ownerId,
      // What fails is asked again by the worker, in the world's own time.
      resilience: { retries: 0, cooldown: { failures: 1e9, failureRatio: 1, lengthMs: 1, refusedLengthMs: 1 } },
      clock,
      random: this.#random,
    });
    this.#durations = new DurationBook({ states: this.states, jobs: this.jobs, clock, events: this });
    this.#planner = new BatchPlanner({
      pricer: () => bookPricer(priceBook, vendors),
      providerOf: (name) => this.#provider(name),
      durations: this.#durations,
    });
  }

  emit(event: EngineEvent): void {
    this.events.push(event);
  }

  /** Takes calls that are answered later. */
  desk(fuse: Fuse = Fuse.never()): BatchDesk {
    return new BatchDesk({
      jobs: crashing((this.#options.jobsOf ?? same)(this.jobs), fuse),
      planner: this.#planner,
      clock: this.clock,
    });
  }

  /** Hands a call to the engine; the id of one that was accepted. @param fuse - when whoever accepts it dies. */
  async add(call: WorldCall, fuse: Fuse = Fuse.never()): Promise<string | undefined> {
    const { vendor, run, position, deadlineMs, onUnanswered, serviceTier } = call;
    const desk = this.desk(fuse);
    const deadlineAtMs = deadlineMs === undefined ? undefined : this.clock.nowMs() + deadlineMs;
    const deferral = desk.deferralFor({ run, position, deadlineAtMs, webhookUrl: undefined, onUnanswered });
    const sink = new CollectingSink();
    const tier = serviceTier === undefined ? {} : { service_tier: serviceTier };
    const body = { model: MODELS[vendor], messages: [{ role: 'user', content: `Item ${run} ${position}` }], ...tier };
    const endpoint = vendor === 'openai' ? 'chat' : 'messages';
    const limit = vendor === 'openai' ? 'max_completion_tokens' : 'max_tokens';
    await this.engine.handle(
      {
        endpoint,
        body: Buffer.from(JSON.stringify({ ...body, [limit]: 16 })),
        headers: vendor === 'openai' ? {} : { 'anthropic-version': '2023-06-01' },
        caller: { project: 'p', keyId: 'k' },
        signal: new AbortController().signal,
        deferral,
      },
      sink,
    );
    return sink.status === 202 ? (JSON.parse(sink.text()) as { id: string }).id : undefined;
  }

  /** A worker that dies when its fuse says so. */
  worker(fuse: Fuse = Fuse.never()): BatchWorker {
    this.#workers += 1;
    const random = seededRandom(this.#options.seed * 1_000 + this.#workers);
    const { engine } = this;
    const asked: DeferredEngine = crashing(
      {
        handle: (request, sink) => engine.handle(request, sink),
        settleDeferred: (call, end) => engine.settleDeferred(call, end),
        isHeldWhole: (callId) => engine.isHeldWhole(callId),
        publish: (record) => void this.published.push(record),
      } satisfies DeferredEngine,
      fuse,
      ['handle', 'settleDeferred', 'isHeldWhole'],
    );
    return new BatchWorker({
      jobs: crashing((this.#options.jobsOf ?? same)(this.jobs), fuse),
      engine: () => asked,
      providerOf: (name) => this.#provider(name, fuse),
      planner: this.#planner,
      durations: this.#durations,
      clock: this.clock,
      random,
      events: {
        emit: (event) => {
          if (!fuse.isBurnt) this.emit(event);
        },
      },
      onDone: (job) => {
        for (const tell of this.listeners) tell(job);
      },
      ...(this.#options.settings && { settings: this.#options.settings }),
    });
  }

  /** Lets workers work until nothing is left to do. Each that dies is followed by another one. */
  async settle(fuses: readonly Fuse[], workers: number, onRound: (round: number) => Promise<void>): Promise<void> {
    const left = [...fuses];
    const begin = (): { fuse: Fuse; worker: BatchWorker } => {
      const fuse = left.shift() ?? Fuse.never();
      return { fuse, worker: this.worker(fuse) };
    };
    const alive = Array.from({ length: workers }, begin);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- time passes
      await onRound(round);
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(alive.map(({ worker }) => worker.tick()));
      for (const [index, { fuse }] of alive.entries()) if (fuse.isBurnt) alive[index] = begin();
      // oxlint-disable-next-line no-await-in-loop
      const nextMs = await this.#next();
      if (nextMs === undefined) return;
      this.clock.advance(Math.min(600_000, Math.max(15_000, nextMs - this.clock.nowMs())));
    }
    throw new Error('nothing comes to an end');
  }

  /** What the ledger says, in nano-dollars. */
  async charged(callId?: string): Promise<number> {
    const charges = await collect(this.ledger.charges(callId === undefined ? {} : { callId }));
    return charges.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? Number.NaN), 0);
  }

  /** What the providers say, in nano-dollars. */
  invoiced(): number {
    const { openai, anthropic } = this.simulated;
    return Number(openai.books.invoice().totalNanoUsd + anthropic.books.invoice().totalNanoUsd);
  }

  all(): Promise<readonly Job[]> {
    return this.jobs.list({ limit: 10_000 });
  }

  /** When there is something to do next; undefined: never. */
  async #next(): Promise<number | undefined> {
    const jobs = await this.all();
    const batches = await this.jobs.batches({});
    const open = jobs.filter(({ state, batchId }) => state !== 'done' || batchId !== undefined);
    if (open.length === 0 && batches.length === 0) return undefined;
    const nowMs = this.clock.nowMs();
    const hours = open
      .filter(({ state }) => state !== 'done')
      .flatMap(({ state, liveAtMs, leaseUntilMs }) => {
        if (state === 'waiting') return [nowMs + 20_000, liveAtMs ?? Infinity];
        return [Math.max(liveAtMs ?? Infinity, leaseUntilMs)];
      });
    const due = [...batches.map(({ nextAtMs }) => nextAtMs), ...hours].map((atMs) => Math.max(atMs, nowMs));
    return Math.min(...due, nowMs + 600_000);
  }

  #provider(name: string, fuse: Fuse = Fuse.never()): BatchProvider | undefined {
    if (name !== 'openai' && name !== 'anthropic') return undefined;
    const api = batchApiOf(this.simulated[name].provider);
    const small = {
      limits: { ...api.limits, maxRequests: this.#options.maxRequests },
      stage: api.stage.bind(api),
      submit: api.submit.bind(api),
      find: api.find.bind(api),
      unstage: api.unstage.bind(api),
      status: api.status.bind(api),
      rows: api.rows.bind(api),
      cancel: api.cancel.bind(api),
    };
    const seen = (this.#options.apiOf ?? same)(small);
    return seen && { api: crashing(seen, fuse) };
  }
}

function same<Thing>(thing: Thing): Thing {
  return thing;
}
