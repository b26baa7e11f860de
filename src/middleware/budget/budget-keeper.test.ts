import { expect, test } from 'vitest';
import type { Budget } from '../../core/budget/budget.ts';
import { nanoUsd } from '../../core/money.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import type { ChargeReceipt } from '../../ports/ledger.ts';
import { MemoryBudgetStore } from '../../stores/memory/memory-budget-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { BudgetKeeper } from './budget-keeper.ts';
import type { Reservation } from './reservation.ts';

const FACTS = { project: 'web', keyId: 'k', tags: { user: 'ann' }, target: 'openai/m' };
const DAY: Budget = {
  name: 'day',
  scope: { kind: 'all' },
  limitNanoUsd: nanoUsd(1000),
  window: { kind: 'calendar', unit: 'day' },
  timezone: 'UTC',
  mode: 'hard',
  alertAtRatios: [],
  onLowBudget: 'refuse',
};
const USER: Budget = { ...DAY, name: 'user', scope: { kind: 'tag', name: 'user' }, limitNanoUsd: nanoUsd(300) };

class Stage {
  readonly clock: FakeClock = new FakeClock();
  readonly store: MemoryBudgetStore = new MemoryBudgetStore({ clock: this.clock });
  readonly events: EngineEvent[] = [];
  #owners = 0;

  /** One process that has joined. */
  async keeper(budgets: readonly Budget[], maxAccounts: number = 10): Promise<BudgetKeeper> {
    await this.store.begin('g1', ['day|all|day|UTC', 'user|tag%3Auser|day|UTC'], undefined, 0);
    await this.store.finish('g1');
    this.#owners += 1;
    const keeper = new BudgetKeeper({
      store: this.store,
      ledger: {
        ownerId: `owner-${this.#owners}`,
        leaseUntilMs: Number.POSITIVE_INFINITY,
        recover: () => Promise.resolve(0),
        beforeNewOwner: () => undefined,
      },
      clock: this.clock,
      events: { emit: (event) => void this.events.push(event) },
      budgets,
      maxAccounts,
    });
    await keeper.open();
    expect(keeper.isReady).toBe(true);
    return keeper;
  }

  /** The receipt of a row of this moment. */
  row(ownerId: string, amount: number): ChargeReceipt {
    const atMs = this.clock.nowMs();
    return { chargeId: 'c.1', ownerId, amountNanoUsd: nanoUsd(amount), atMs, bookedAtMs: atMs };
  }

  /** Lets so much time pass, in steps as a timer's. */
  async pass(durationMs: number, ...keepers: readonly BudgetKeeper[]): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 50) {
      this.clock.advance(50);
      for (const keeper of keepers) keeper.tick();
      await new Promise((resolve) => void setImmediate(resolve)); // oxlint-disable-line no-await-in-loop -- step by step
    }
  }
}

function reserve(
  keeper: BudgetKeeper,
  amount: number,
  waitMs = 0,
  signal = new AbortController().signal,
): Promise<Reservation> {
  return Promise.resolve(keeper.reserve(FACTS, amount, { waitMs, signal }));
}

test('money that a call holds is not there for another, and is again when it is given back', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  const first = await reserve(keeper, 700);
  await expect(
    Promise.race([reserve(keeper, 400), stage.pass(200, keeper).then(() => 'nothing')]),
  ).rejects.toMatchObject({
    code: 'budget-held',
    status: 429,
    retryable: true,
  });
  first.release();
  first.release();
  expect((await reserve(keeper, 1000)).isHeld).toBe(true);
});

test('a call waits for what others hold, and is given it in the order of coming', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  const first = await reserve(keeper, 900);
  const order: string[] = [];
  const waiting = ['a', 'b'].map((name) => reserve(keeper, 500, 2000).then(() => order.push(name)));
  await stage.pass(500, keeper);
  expect(order).toEqual([]);
  first.release();
  await stage.pass(100, keeper);
  await Promise.all(waiting);
  expect(order).toEqual(['a', 'b']);
});

test('money that was spent is refused at once with 402, also while the call could wait', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  const spent = await reserve(keeper, 800);
  const row = stage.row(keeper.ownerId, 800);
  spent.pend(FACTS.target, nanoUsd(800), row.atMs).settle(row);
  spent.release();
  await expect(reserve(keeper, 300, 60_000)).rejects.toMatchObject({ code: 'budget-spent', status: 402 });
  expect(stage.events).toContainEqual({ kind: 'budget-refused', budget: 'day', reason: 'spent' });
});

test('what comes back of yesterday is not there to be spent today', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  await reserve(keeper, 1000);
  const row = stage.row(keeper.ownerId, -500);
  const yesterday = { ...row, atMs: row.atMs - 86_400_000 };
  keeper.withoutMoney(FACTS).pend(FACTS.target, nanoUsd(0), row.atMs).settle(yesterday);
  await expect(
    Promise.race([reserve(keeper, 400), stage.pass(200, keeper).then(() => 'nothing')]),
  ).rejects.toMatchObject({ code: 'budget-held' });
});

test('a refusal by one budget gives back what was held on those before it', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY, USER]);
  await expect(reserve(keeper, 400)).rejects.toMatchObject({ code: 'budget-spent' });
  const other = { ...FACTS, tags: {} };
  const whole = await keeper.reserve(other, 1000, { waitMs: 0, signal: new AbortController().signal });
  expect(whole.isHeld).toBe(true);
});

test('a client that leaves while it waits takes nothing', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  const first = await reserve(keeper, 900);
  const leaving = new AbortController();
  const waiting = reserve(keeper, 500, 2000, leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'client-left' });
  first.release();
  expect((await reserve(keeper, 1000)).isHeld).toBe(true);
});

test('what one process does not need is there for another that is refused', async () => {
  const stage = new Stage();
  const [one, two] = [await stage.keeper([DAY]), await stage.keeper([DAY])];
  (await reserve(one, 100)).release(); // and a slice for calls to come
  const waiting = reserve(two, 1000, 2000);
  await stage.pass(600, one, two);
  expect((await waiting).isHeld).toBe(true);
});

test('a limit that is lowered binds the slice that was given under the old one', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  (await reserve(keeper, 100)).release();
  keeper.setBudgets([{ ...DAY, limitNanoUsd: nanoUsd(50) }]);
  await expect(reserve(keeper, 100)).rejects.toMatchObject({ code: 'budget-spent' });
  keeper.setBudgets([{ ...DAY, limitNanoUsd: nanoUsd(200) }]);
  expect((await reserve(keeper, 100)).isHeld).toBe(true);
});

test('a further value of a tag than may be counted apart is refused', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([USER], 1);
  await reserve(keeper, 10);
  const bob = { ...FACTS, tags: { user: 'bob' } };
  const refused = Promise.resolve(keeper.reserve(bob, 10, { waitMs: 0, signal: new AbortController().signal }));
  await expect(refused).rejects.toMatchObject({ code: 'budget-full', status: 429 });
  await expect(refused).rejects.not.toThrow(/bob/);
});

test('a soft budget counts and refuses nothing', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([{ ...DAY, mode: 'soft' }]);
  const reservation = await reserve(keeper, 5000);
  const row = stage.row(keeper.ownerId, 5000);
  reservation.pend(FACTS.target, nanoUsd(0), row.atMs).settle(row);
  expect(keeper.remaining(FACTS)).toEqual([{ budget: 'day', leftNanoUsd: 0 }]);
});

test('a process joins new counters only when every charge from before its line is durable', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  const reservation = await reserve(keeper, 200);
  const row = { chargeId: 'c.1', ownerId: keeper.ownerId, amountNanoUsd: nanoUsd(120), atMs: stage.clock.nowMs() };
  const charge = reservation.pend(FACTS.target, nanoUsd(200), row.atMs);
  await stage.store.begin('g2', ['day|all|day|UTC'], 'g1', 0);
  await stage.pass(1000, keeper);
  expect([keeper.isReady, (await stage.store.standing()).owners]).toEqual([false, []]);
  charge.settle({ ...row, bookedAtMs: row.atMs });
  await stage.pass(1000, keeper);
  const { owners } = await stage.store.standing();
  expect(owners).toMatchObject([{ ownerId: keeper.ownerId }]);
  // The row is from before the line: whoever builds counts it.
  expect(owners[0]?.cutMs).toBeGreaterThan(row.atMs);
  expect(keeper.cutMs).toBe(owners[0]?.cutMs);
  await stage.store.finish('g2');
  await stage.pass(1000, keeper);
  expect(keeper.isReady).toBe(true);
  expect(keeper.remaining(FACTS)).toEqual([{ budget: 'day', leftNanoUsd: 1000 }]);
});

test('what calls hold is told before new counters are joined, and stays held in them', async () => {
  const stage = new Stage();
  const [one, two] = [await stage.keeper([DAY]), await stage.keeper([DAY])];
  const reservation = await reserve(one, 700);
  await stage.store.begin('g2', ['day|all|day|UTC'], 'g1', 0);
  await stage.pass(1000, one, two);
  await stage.store.finish('g2');
  await stage.pass(1000, one, two);
  const refused = reserve(two, 400);
  const [outcome] = await Promise.allSettled([refused, stage.pass(200, one, two)]);
  expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'budget-held' } });
  reservation.release();
  await stage.pass(1000, one, two);
  expect((await reserve(two, 900)).isHeld).toBe(true);
});

test('a row that stands under another owner is not counted here', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  const reservation = await reserve(keeper, 800);
  const row = stage.row('somebody', 800);
  reservation.pend(FACTS.target, nanoUsd(800), row.atMs).settle(row);
  reservation.release();
  expect((await reserve(keeper, 1000)).isHeld).toBe(true);
});

test('a correction is counted here when it was booked from the cut on, whatever the time of its estimate', async () => {
  const stage = new Stage();
  const keeper = await stage.keeper([DAY]);
  const { definitions, generation } = await stage.store.standing();
  await stage.store.begin('g2', definitions, generation, 0);
  await stage.pass(1000, keeper);
  await stage.store.finish('g2');
  await stage.pass(1000, keeper);
  const { cutMs } = keeper;
  expect(keeper.isReady && cutMs > 0).toBe(true);
  const book = async (amount: number, bookedAtMs: number): Promise<void> => {
    const reservation = await reserve(keeper, 0);
    const row = { ...stage.row(keeper.ownerId, amount), atMs: cutMs - 500, bookedAtMs };
    reservation.pend(FACTS.target, nanoUsd(0), bookedAtMs).settle(row);
    reservation.release();
  };
  await book(300, cutMs - 1);
  expect(keeper.remaining(FACTS)).toEqual([{ budget: 'day', leftNanoUsd: 1000 }]);
  await book(300, cutMs);
  expect(keeper.remaining(FACTS)).toEqual([{ budget: 'day', leftNanoUsd: 700 }]);
  await book(-100, cutMs);
  expect(keeper.remaining(FACTS)).toEqual([{ budget: 'day', leftNanoUsd: 800 }]);
});
