import type { Budget } from '../../../src/core/budget/budget.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import type { Charge } from '../../../src/core/model/charge.ts';
import type { ReplyFacts } from '../../../src/core/model/reply.ts';
import { usageOf } from '../../../src/core/model/usage.ts';
import { isFarthingError } from '../../../src/core/errors.ts';
import { BudgetUpkeep } from '../../../src/engine/budgets/budget-upkeep.ts';
import { budgetMiddleware } from '../../../src/middleware/budget/budget.ts';
import { BudgetKeeper } from '../../../src/middleware/budget/budget-keeper.ts';
import { chargeMiddleware } from '../../../src/middleware/charge/charge.ts';
import { ChargeSpool } from '../../../src/middleware/charge/charge-spool.ts';
import { type Call, compose, type Next, type Outcome } from '../../../src/middleware/compose.ts';
import type { BudgetStore, BudgetStoreUpkeep } from '../../../src/ports/budget-store.ts';
import type { EngineEvent } from '../../../src/ports/event-sink.ts';
import type { ChargeReceipt, Ledger, LedgerOwner, SpendingReader } from '../../../src/ports/ledger.ts';
import type { Pricer } from '../../../src/ports/pricer.ts';
import type { MemoryBudgetStore } from '../../../src/stores/memory/memory-budget-store.ts';
import { MemoryLedger } from '../../../src/stores/memory-ledger/memory-ledger.ts';
import type { MemoryLedgerRows } from '../../../src/stores/memory-ledger/memory-ledger-rows.ts';
import { decodeRequest } from '../../../src/wire/decode-request.ts';
import { fakeAttempt, fakeCall, NotingReceiver } from '../../support/fake-call.ts';
import type { SimulatedProcess, SimulatedWorld } from './simulated-world.ts';

/** What is shared by the processes of a run. */
export interface SharedStores {
  readonly rows: MemoryLedgerRows;
  readonly budgets: MemoryBudgetStore;
}

/** One attempt as the provider knows it. */
export interface SentAttempt {
  readonly callId: string;
  readonly costNanoUsd: number;
  /** Whether its bill is above its bound. */
  readonly isOverrun: boolean;
}

const LEASE_MS = 15_000;
const TARGET = { provider: 'openai', model: 'm' };

/** Prices so plain that a test can do them in its head: a nano-dollar a token in, ten a token out. */
const PRICER: Pricer = {
  price: (_target, usage) => ({ amountNanoUsd: nanoUsd(usage.input + usage.output * 10), priceEntry: 'b:e' }),
  limits: () => ({ contextWindowTokens: 100_000, maxOutputTokens: 1000 }),
  vendorOf: () => 'openai',
  upperBound: (_target, bound) => nanoUsd(bound.inputTokens + (bound.maxOutputTokens ?? 1000) * bound.samples * 10),
  inputRates: () => undefined,
  sessionPrices: () => undefined,
  promptCache: () => undefined,
  repeatedUsage: (_target, usage) => usage,
};

/** The budget and ledger code of one process, real but for what is around it. */
export class SimulatedGateway {
  readonly process: SimulatedProcess;
  readonly keeper: BudgetKeeper;
  readonly upkeep: BudgetUpkeep;
  readonly ledger: MemoryLedger;
  readonly events: EngineEvent[] = [];
  readonly #chain: Next;
  readonly #world: SimulatedWorld;

  constructor(process: SimulatedProcess, shared: SharedStores, budgets: readonly Budget[], sent: SentAttempt[]) {
    const { world } = process;
    this.process = process;
    this.#world = world;
    this.ledger = new MemoryLedger({}, { rows: shared.rows, clock: process, random: world.random, leaseMs: LEASE_MS });
    const ledger = distantLedger(process, this.ledger);
    const store = distantStore(process, shared.budgets);
    const events = { emit: (event: EngineEvent) => void this.events.push(event) };
    this.keeper = new BudgetKeeper({ store, ledger, clock: process, events, budgets, maxAccounts: 100 });
    this.upkeep = new BudgetUpkeep({
      store,
      ledger,
      keeper: this.keeper,
      book: undefined,
      clock: process,
      random: world.random,
      events,
      sleep: () => process.pause(),
    });
    const spool = new RepeatingSpool({ ledger, events }, world);
    const policy = {
      waitMs: 2000,
      defaultMaxOutputTokens: undefined,
      toolAllowanceNanoUsd: nanoUsd(0),
      unboundedCalls: 'reserve',
    } as const;
    this.#chain = compose(
      [
        budgetMiddleware({
          keeper: this.keeper,
          policy,
          pricer: PRICER,
          isCountProven: () => false,
          tokenizerOf: () => Promise.reject(new Error('nothing is counted here')),
        }),
        chargeMiddleware({ ledger, spool, pricer: PRICER, events, clock: process, ownerId: 'any' }),
      ],
      (call) => this.#provider(call, sent),
    );
  }

  /** Does what the ledger's own timer does. */
  async recover(): Promise<void> {
    await this.process.ask(() => changing(this.process, this.ledger.recover(this.process.nowMs())));
  }

  /** Makes a call and says how it ended. Never settles when the process dies under it. */
  async call(id: string, user: string): Promise<string> {
    const leaving = new AbortController();
    const body = new TextEncoder().encode(
      JSON.stringify({
        model: 'm',
        max_tokens: 1 + this.#world.below(100),
        messages: [{ role: 'user', content: 'x'.repeat(this.#world.below(50)) }],
      }),
    );
    const blank = fakeCall(id, new NotingReceiver(), leaving.signal);
    const call: Call = { ...blank, arrivedAtMs: this.process.nowMs(), body, attempt: fakeAttempt(TARGET) };
    call.state.request = decodeRequest('chat', body);
    call.state.plan = { asked: 'm', baseline: TARGET, targets: [TARGET] };
    call.state.tags = { user };
    if (this.#world.chance(0.1)) void this.process.pause().then(() => leaving.abort());
    try {
      return (await this.#chain(call)).kind;
    } catch (error) {
      if (!isFarthingError(error)) throw error;
      return error.code;
    }
  }

  async #provider(call: Call, sent: SentAttempt[]): Promise<Outcome> {
    if (call.signal.aborted) return { kind: 'client-left', facts: undefined, neverSent: true };
    const bound = call.state.hold?.boundOf(TARGET)?.amountNanoUsd ?? 0;
    const isOverrun = this.#world.chance(0.01);
    const usage = usageOf({
      input: this.#world.below(100),
      output: isOverrun ? 1000 : this.#world.below(call.state.request?.maxOutputTokens ?? 1),
    });
    const way =
      this.#world.pick(['complete', 'complete', 'complete', 'provider-error', 'broken', 'client-left'] as const) ??
      'complete';
    const costNanoUsd = way === 'provider-error' ? 0 : usage.input + usage.output * 10;
    sent.push({ callId: call.id, costNanoUsd, isOverrun: costNanoUsd > bound });
    await this.process.pause();
    await this.process.pause();
    call.receiver.head({ status: way === 'provider-error' ? 500 : 200, headers: {}, form: 'whole' });
    call.receiver.end();
    // Whoever breaks off still says what it used: what an estimate may get wrong is not what is tested here.
    return { kind: way, facts: way === 'provider-error' ? undefined : { ...FACTS, usage } };
  }
}

/** Tells now and then twice that a charge is written. */
class RepeatingSpool extends ChargeSpool {
  readonly #world: SimulatedWorld;

  constructor(options: ConstructorParameters<typeof ChargeSpool>[0], world: SimulatedWorld) {
    super(options);
    this.#world = world;
  }

  override write(charge: Charge, onWritten: (receipt: ChargeReceipt) => void): Promise<void> {
    const times = this.#world.chance(0.2) ? 2 : 1;
    return super.write(charge, (receipt) => {
      for (let time = 0; time < times; time += 1) onWritten(receipt);
    });
  }
}

const FACTS: ReplyFacts = {
  ended: true,
  finish: 'complete',
  terms: {},
  usedHostedTools: false,
  isEmpty: false,
  outputBytes: 1,
};

/** A ledger at a distance: what is written takes time, and may fail before or after it was. */
function distantLedger(process: SimulatedProcess, ledger: MemoryLedger): Ledger & LedgerOwner & SpendingReader {
  return {
    get ownerId() {
      return ledger.ownerId;
    },
    get leaseUntilMs() {
      return ledger.leaseUntilMs;
    },
    intend: (intent, asOwner) => process.ask(() => changing(process, ledger.intend(intent, asOwner))),
    charge: (charges) => process.ask(() => changing(process, ledger.charge(charges))),
    record: () => undefined,
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
    recover: () => process.ask(() => changing(process, ledger.recover(process.nowMs()))),
    beforeNewOwner: (admit) => ledger.beforeNewOwner(admit),
    livingOwners: () => process.ask(() => ledger.livingOwners()),
    async *spending(query) {
      yield* await process.ask(() => collected(ledger.spending(query)));
    },
  };
}

/** Says that money moves now, and again when the work is done. */
async function changing<Result>({ world }: SimulatedProcess, work: Promise<Result>): Promise<Result> {
  world.isChanged = true;
  try {
    return await work;
  } finally {
    world.isChanged = true;
  }
}

function distantStore(process: SimulatedProcess, store: MemoryBudgetStore): BudgetStore & BudgetStoreUpkeep {
  return {
    standing: () => process.ask(() => store.standing()),
    join: (...input) => process.ask(() => store.join(...input)),
    exchange: (...input) => process.ask(() => store.exchange(...input)),
    fold: (...input) => process.ask(() => store.fold(...input)),
    begin: (...input) => process.ask(() => store.begin(...input)),
    adjust: (...input) => process.ask(() => store.adjust(...input)),
    install: (generation, bases) => process.ask(() => store.install(generation, bases)),
    finish: (...input) => process.ask(() => store.finish(...input)),
    leave: (...input) => process.ask(() => store.leave(...input)),
    async *accounts() {
      yield* await process.ask(() => collected(store.accounts()));
    },
    close: () => Promise.resolve(),
  };
}

async function collected<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
