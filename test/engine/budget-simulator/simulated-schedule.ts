import { vi } from 'vitest';
import { heldOf, usedOf } from '../../../src/core/budget/account-state.ts';
import {
  accountParts,
  type Budget,
  budgetDefinition,
  parseDefinition,
  scopeValue,
} from '../../../src/core/budget/budget.ts';
import { windowPosition } from '../../../src/core/budget/budget-window.ts';
import { formatTarget } from '../../../src/core/model/target.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import { MemoryBudgetStore } from '../../../src/stores/memory/memory-budget-store.ts';
import { MemoryLedgerRows } from '../../../src/stores/memory-ledger/memory-ledger-rows.ts';
import { type SentAttempt, type SharedStores, SimulatedGateway } from './simulated-gateway.ts';
import { SimulatedProcess, SimulatedWorld, type WorldFaults } from './simulated-world.ts';

const LIMIT = 4000;
const BUDGETS: readonly Budget[] = [
  {
    name: 'all',
    scope: { kind: 'all' },
    limitNanoUsd: nanoUsd(LIMIT),
    window: { kind: 'calendar', unit: 'hour' },
    timezone: 'UTC',
    mode: 'hard',
    alertAtRatios: [0.5, 1],
    onLowBudget: 'refuse',
  },
  {
    name: 'user',
    scope: { kind: 'tag', name: 'user' },
    limitNanoUsd: nanoUsd(LIMIT / 2),
    window: { kind: 'rolling', lengthMs: 3_600_000 },
    timezone: 'UTC',
    mode: 'hard',
    alertAtRatios: [0.8],
    onLowBudget: 'lower',
  },
  {
    name: 'watch',
    scope: { kind: 'project', name: undefined },
    limitNanoUsd: nanoUsd(LIMIT / 4),
    window: { kind: 'total' },
    timezone: 'UTC',
    mode: 'soft',
    alertAtRatios: [1],
    onLowBudget: 'refuse',
  },
];
/** Clocks of machines differ by less than the skew that a lease allows for. */
const MAX_SKEW_MS = 2000;
/** Steps in which nothing but the start happens. */
const START_STEPS = 25;
const HOUR_MS = 3_600_000;
const CALM: WorldFaults = { refusedRatio: 0, lostAnswerRatio: 0, lateRatio: 0 };
const WEATHERS: readonly WorldFaults[] = [
  CALM,
  { refusedRatio: 0.03, lostAnswerRatio: 0.03, lateRatio: 0.03 },
  { refusedRatio: 0.12, lostAnswerRatio: 0.06, lateRatio: 0.06 },
];
const USERS = ['ann', 'bob'];

/** What a schedule showed. */
export interface ScheduleResult {
  readonly faults: readonly string[];
  readonly calls: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly crashes: number;
  readonly stops: number;
  readonly flushes: number;
}

/** Runs one schedule of chance and names every promise that was broken. */
export async function runSchedule(seed: number, steps: number): Promise<ScheduleResult> {
  vi.clearAllTimers();
  return new Schedule(seed).run(steps);
}

class Schedule {
  readonly #world: SimulatedWorld;
  readonly #shared: SharedStores;
  readonly #gateways: SimulatedGateway[] = [];
  readonly #sent: SentAttempt[] = [];
  readonly #faults: string[] = [];
  readonly #outcomes = new Map<string, number>();
  readonly #open = new Map<string, SimulatedGateway>();
  #calls = 0;
  #crashes = 0;
  #stops = 0;
  #flushes = 0;

  constructor(seed: number) {
    this.#world = new SimulatedWorld(seed, WEATHERS[seed % WEATHERS.length] ?? CALM);
    this.#shared = {
      rows: new MemoryLedgerRows(100_000),
      budgets: new MemoryBudgetStore({
        clock: { nowMs: () => this.#world.nowMs, monotonicMs: () => this.#world.nowMs },
      }),
    };
    // Every other schedule begins within seconds of a new hour.
    if (seed % 2 === 0)
      this.#world.nowMs = HOUR_MS * Math.ceil(this.#world.nowMs / HOUR_MS) - this.#world.below(15_000);
    const processes = 1 + this.#world.below(3);
    for (let count = 0; count < processes; count += 1) this.#start();
  }

  async run(steps: number): Promise<ScheduleResult> {
    for (let step = 0; step < steps && this.#faults.length === 0; step += 1) {
      // What is under way first has to get somewhere before anything further can happen.
      if (step >= START_STEPS) this.#act();
      // oxlint-disable-next-line no-await-in-loop -- one thing after the other: the point of it
      await this.#world.step();
      this.#check(`step ${step}`);
    }
    if (this.#faults.length === 0) await this.#settle();
    return {
      faults: this.#faults,
      calls: this.#calls,
      outcomes: this.#outcomes,
      crashes: this.#crashes,
      stops: this.#stops,
      flushes: this.#flushes,
    };
  }

  #start(): void {
    const skewMs = this.#world.below(MAX_SKEW_MS);
    const process = new SimulatedProcess(this.#world, `p${this.#gateways.length}`, skewMs);
    const gateway = new SimulatedGateway(process, this.#shared, BUDGETS, this.#sent);
    this.#gateways.push(gateway);
    void gateway.keeper.open().then(() => gateway.upkeep.run());
  }

  /** Something happens: mostly calls and the passing of time. */
  #act(): void {
    const gateway = this.#world.pick(this.#gateways.filter(({ process }) => process.state === 'running'));
    const die = this.#world.below(1000);
    if (die < 160 && gateway !== undefined) this.#call(gateway);
    else if (die < 330) this.#tick();
    else if (die < 540) this.#pass(1 + this.#world.below(100));
    else if (die < 546) this.#pass(this.#world.below(20 * 60_000));
    else if (die < 551 && gateway !== undefined) this.#crash(gateway);
    else if (die < 559 && gateway !== undefined) this.#stop(gateway);
    else if (die < 565 && gateway !== undefined) gateway.process.skewMs = this.#world.below(MAX_SKEW_MS);
    else if (die < 567) this.#flush();
    else if (die < 620 && gateway !== undefined) void gateway.upkeep.run();
    else if (die < 650 && gateway !== undefined) this.#recover(gateway);
    else if (die < 700) this.#resume();
  }

  #call(gateway: SimulatedGateway): void {
    this.#calls += 1;
    const id = `c${this.#calls}`;
    this.#open.set(id, gateway);
    void gateway.call(id, this.#world.pick(USERS) ?? 'ann').then(
      (outcome) => this.#ended(id, gateway, outcome),
      (error: unknown) => this.#faults.push(`call ${id} failed by itself: ${String(error)}`),
    );
  }

  #ended(id: string, { process }: SimulatedGateway, outcome: string): void {
    if (process.state === 'dead') return; // the last words of a process that nobody heard
    if (!this.#open.delete(id)) this.#faults.push(`call ${id} ended twice`);
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }

  #tick(): void {
    for (const { keeper, process } of this.#gateways) if (process.state === 'running') keeper.tick();
  }

  #pass(durationMs: number): void {
    this.#world.nowMs += durationMs;
    this.#world.isChanged = true; // a window may have begun
    vi.advanceTimersByTime(durationMs);
    this.#tick();
  }

  #recover(gateway: SimulatedGateway): void {
    void gateway.recover().catch(() => undefined);
  }

  #crash({ process }: SimulatedGateway): void {
    this.#crashes += 1;
    process.state = 'dead';
    this.#world.bury(process);
    for (const [id, owner] of this.#open) if (owner.process === process) this.#open.delete(id);
    this.#start();
  }

  #stop({ process }: SimulatedGateway): void {
    this.#stops += 1;
    process.state = 'stopped';
    process.keepsBack = this.#world.chance(0.5);
    // Now and then for longer than its lease, and others notice.
    if (!this.#world.chance(0.5)) return;
    this.#pass(10_000 + this.#world.below(15_000));
    for (const other of this.#gateways) if (other.process.state === 'running') this.#recover(other);
  }

  #resume(): void {
    const stopped = this.#world.pick(this.#gateways.filter(({ process }) => process.state === 'stopped'));
    if (stopped !== undefined) stopped.process.state = 'running';
  }

  #flush(): void {
    this.#flushes += 1;
    void this.#shared.budgets.close();
  }

  /** Settled and open money together never pass a hard limit, whatever the counters say. */
  #check(when: string): void {
    if (!this.#world.isChanged) return;
    this.#world.isChanged = false;
    const overruns = this.#overruns();
    const latestMs = Math.max(...this.#gateways.map(({ process }) => process.nowMs()));
    for (const budget of BUDGETS.filter(({ mode }) => mode === 'hard')) {
      const { floorBucket } = windowPosition(budget.window, budget.timezone, latestMs);
      for (const [value, amount] of this.#exposure(budget, floorBucket)) {
        if (amount > budget.limitNanoUsd + overruns)
          this.#faults.push(`${when}: ${budget.name} ${value} stands at ${amount} of ${budget.limitNanoUsd}`);
      }
    }
  }

  /** By scope value: rows of the newest window, and all intents that are open, at their upper bounds. */
  #exposure(budget: Budget, floorBucket: number): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    const add = (facts: Parameters<typeof scopeValue>[1], amount: number): void => {
      const value = scopeValue(budget.scope, facts);
      if (value !== undefined) sums.set(value, (sums.get(value) ?? 0) + amount);
    };
    for (const row of this.#shared.rows.spending({})) {
      if (windowPosition(budget.window, budget.timezone, row.atMs).bucket >= floorBucket) add(row, row.amountNanoUsd);
    }
    for (const intent of this.#shared.rows.intents()) add(intent, intent.upperBoundNanoUsd ?? 0);
    return sums;
  }

  /** No hour that ever was has more in it than its limit. */
  #checkHours(): void {
    const overruns = this.#overruns();
    const hours = new Map<number, number>();
    for (const row of this.#shared.rows.spending({})) {
      const hour = Math.trunc(row.atMs / HOUR_MS);
      hours.set(hour, (hours.get(hour) ?? 0) + row.amountNanoUsd);
    }
    for (const [hour, amount] of hours) {
      if (amount > LIMIT + overruns) this.#faults.push(`hour ${hour} has ${amount} of ${LIMIT}`);
    }
  }

  #overruns(): number {
    return this.#sent.reduce((sum, attempt) => sum + (attempt.isOverrun ? attempt.costNanoUsd : 0), 0);
  }

  /** Lets everything come to its end, lets all leases run out, and holds the counters against the ledger. */
  async #settle(): Promise<void> {
    this.#world.faults = CALM;
    for (const { process } of this.#gateways) if (process.state === 'stopped') process.state = 'running';
    await this.#quieten();
    if (this.#open.size > 0) this.#faults.push(`calls never ended: ${[...this.#open.keys()].join(' ')}`);
    for (const { process } of this.#gateways) process.state = 'dead';
    this.#pass(60_000);
    this.#start();
    const last = this.#gateways.at(-1) as SimulatedGateway;
    this.#recover(last);
    await this.#quieten(() => last.keeper.isReady);
    await this.#quieten();
    await this.#audit(last);
  }

  async #quieten(isDone: () => boolean = () => true): Promise<void> {
    for (let rounds = 0; rounds < 200; rounds += 1) {
      // oxlint-disable-next-line no-await-in-loop -- as far as it goes at this moment
      for (let left = 20; left > 0 && (await this.#world.step()); left -= 1);
      this.#check('at the end');
      this.#pass(500);
      for (const gateway of this.#gateways) {
        if (gateway.process.state !== 'running') continue;
        void gateway.upkeep.run();
        if (rounds % 8 === 0) this.#recover(gateway);
      }
      if (rounds > 8 && this.#open.size === 0 && isDone()) return;
    }
  }

  async #audit(last: SimulatedGateway): Promise<void> {
    const { rows, budgets } = this.#shared;
    if (!last.keeper.isReady) this.#faults.push('the counters never became ready again');
    if (rows.intents().length > 0) this.#faults.push('intents stay open');
    const ids = rows.charges().map(({ chargeId }) => chargeId);
    if (new Set(ids).size !== ids.length) this.#faults.push('a charge stands twice');
    const charged = new Set(rows.charges().map(({ callId }) => callId));
    for (const { callId } of this.#sent)
      if (!charged.has(callId)) this.#faults.push(`${callId} was sent and never charged`);
    this.#checkHours();
    const nowMs = last.process.nowMs();
    for await (const [account, state] of budgets.accounts()) {
      if (heldOf(state, last.ledger.ownerId) > 0) this.#faults.push(`${account} holds money for nobody`);
      const { definition, value } = accountParts(account);
      const budget = BUDGETS.find((each) => budgetDefinition(each) === definition) as Budget;
      const { window, timezone, scope } = parseDefinition(definition);
      const floor = Math.max(state.floorBucket, windowPosition(window, timezone, nowMs).floorBucket);
      const facts = (row: {
        readonly project: string;
        readonly keyId: string;
        readonly tags: Readonly<Record<string, string>>;
      }) => scopeValue(scope, { ...row, target: formatTarget({ provider: 'openai', model: 'm' }) });
      const expected = rows
        .spending({})
        .filter((row) => facts(row) === value && windowPosition(window, timezone, row.atMs).bucket >= floor)
        .reduce((sum, row) => sum + row.amountNanoUsd, 0);
      const actual = usedOf(state, floor);
      if (actual !== expected)
        this.#faults.push(`${budget.name} ${value} counts ${actual}, the ledger has ${expected}`);
    }
  }
}
