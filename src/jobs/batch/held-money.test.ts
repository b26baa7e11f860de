import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  ANSWER_NANO_USD,
  BOUND_NANO_USD as BOUND,
  HeldMoneyStage,
  type HeldProcess,
} from '../../../test/support/held-money-stage.ts';
import type { Budget } from '../../core/budget/budget.ts';
import { nanoUsd } from '../../core/money.ts';
import { DeferredCalls } from '../../gateway/deferred/deferred-calls.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** As much as one call may cost, and not enough for a second one. */
const TOTAL: Budget = {
  name: 'all',
  scope: { kind: 'all' },
  limitNanoUsd: nanoUsd(BOUND),
  window: { kind: 'total' },
  timezone: 'UTC',
  mode: 'hard',
  alertAtRatios: [],
  onLowBudget: 'refuse',
};

async function tight(more: Partial<Budget> = {}): Promise<{ stage: HeldMoneyStage; process: HeldProcess }> {
  const stage = new HeldMoneyStage({ ...TOTAL, ...more });
  return { stage, process: await stage.process() };
}

test('the money of a call that is asked live is never there for another call in between', async () => {
  const { stage, process } = await tight();
  const { call } = await stage.defer(process);
  const others: number[] = [];
  stage.meanwhile = async () => void others.push(await process.ask(1));
  await stage.pass(HOUR_MS);
  await process.worker.tick();
  expect(others).toEqual([402]);
  expect((await stage.job(call.callId)).result).toMatchObject({ way: 'live', outcome: 'complete' });
  expect(stage.charged()).toBe(ANSWER_NANO_USD);
  expect(stage.billedNanoUsd).toBe(ANSWER_NANO_USD);
});

test('a call that fails at no cost keeps its money until it is asked again, by whoever that is', async () => {
  const { stage, process } = await tight();
  const { call } = await stage.defer(process);
  stage.liveScript.push('fail', 'fail');
  await stage.pass(HOUR_MS);
  await process.worker.tick();
  expect(await process.ask(1)).toBe(402);
  await stage.pass(15_000);
  const other = await stage.process();
  await other.worker.tick();
  expect(await other.ask(2)).toBe(402);
  await stage.pass(15_000);
  await other.worker.tick();
  expect((await stage.job(call.callId)).result).toMatchObject({ way: 'live', outcome: 'complete' });
  expect(stage.charged()).toBe(ANSWER_NANO_USD);
});

test('what a live call has spent in vain is spent: asked again it needs its own money', async () => {
  const { stage, process } = await tight();
  const { call } = await stage.defer(process);
  stage.liveScript.push('break');
  await stage.pass(HOUR_MS);
  await process.worker.tick();
  const spent = stage.charged();
  expect(spent).toBeGreaterThan(0);
  expect(spent).toBeLessThan(BOUND);
  await stage.pass(15_000);
  await process.worker.tick();
  expect(await stage.job(call.callId)).toMatchObject({ state: 'live', result: { outcome: 'broken' } });
  expect(stage.charged()).toBe(spent);
  process.budgets.setBudgets([{ ...TOTAL, limitNanoUsd: nanoUsd(2 * BOUND) }]);
  await stage.pass(15_000);
  await process.worker.tick();
  const { result } = await stage.job(call.callId);
  expect(result).toMatchObject({ outcome: 'complete', record: { costNanoUsd: spent + ANSWER_NANO_USD } });
  expect(stage.charged()).toBe(spent + ANSWER_NANO_USD);
});

/** A process that dies while the provider is at the call's attempt. */
async function diedAsking(stage: HeldMoneyStage, process: HeldProcess): Promise<string> {
  const { call } = await stage.defer(process);
  stage.liveScript.push('hang');
  await stage.pass(HOUR_MS);
  void process.worker.tick();
  while ((await process.ledger.openIntents()).length === 0) await nextTurn();
  return call.callId;
}

test('what a call may have spent when its process died is counted once, and it goes on with money of its own', async () => {
  const { stage, process } = await tight();
  const callId = await diedAsking(stage, process);
  expect(await stage.given()).toBe(BOUND);
  await stage.kill(process);
  await stage.pass(61_000);
  const next = await stage.process();
  expect(stage.charged()).toBe(BOUND);
  expect(stage.rowsOf(callId)).toEqual(['.1', '.1.2']);
  await next.worker.tick();
  expect(await stage.job(callId)).toMatchObject({ state: 'live', result: undefined });
  expect(await next.ask(1)).toBe(402);
  expect(stage.charged()).toBe(BOUND);
  next.budgets.setBudgets([{ ...TOTAL, limitNanoUsd: nanoUsd(2 * BOUND) }]);
  await stage.pass(15_000);
  await next.worker.tick();
  expect((await stage.job(callId)).result?.outcome).toBe('complete');
  expect(stage.charged()).toBe(BOUND + ANSWER_NANO_USD);
});

test('a process that dies before anything was sent leaves the money to whoever asks next', async () => {
  const { stage, process } = await tight();
  const { call } = await stage.defer(process);
  await stage.pass(HOUR_MS);
  stage.meanwhile = () => new Promise(() => undefined);
  void process.worker.tick();
  while ((await stage.job(call.callId)).attempts === 1) await nextTurn();
  stage.meanwhile = () => Promise.resolve();
  await stage.kill(process);
  await stage.pass(61_000);
  const next = await stage.process();
  await next.worker.tick();
  expect((await stage.job(call.callId)).result?.outcome).toBe('complete');
  expect(stage.charged()).toBe(ANSWER_NANO_USD);
});

test('a call whose answer is in the cache by then lets all of its money go', async () => {
  const stage = new HeldMoneyStage({ limitNanoUsd: nanoUsd(2 * BOUND) }, true);
  const process = await stage.process();
  const { call } = await stage.defer(process);
  expect(await process.ask(-1)).toBe(200);
  await stage.pass(HOUR_MS);
  await process.worker.tick();
  expect((await stage.job(call.callId)).result).toMatchObject({ way: 'cache', record: { costNanoUsd: 0 } });
  expect(stage.charged()).toBe(ANSWER_NANO_USD);
  expect(await process.ask(1)).toBe(200);
});

test('what was held yesterday pays for a call that is asked today, and is counted yesterday', async () => {
  const { stage, process } = await tight({ window: { kind: 'calendar', unit: 'day' } });
  const { call } = await stage.defer(process, DAY_MS);
  await stage.pass(DAY_MS);
  // The new day's money goes to others.
  expect(await process.ask(1)).toBe(200);
  expect(await process.ask(2)).toBe(402);
  await process.worker.tick();
  expect((await stage.job(call.callId)).result?.outcome).toBe('complete');
  const days = stage.rows.spending({}).map(({ atMs, amountNanoUsd }) => [Math.floor(atMs / DAY_MS), amountNanoUsd]);
  const [yesterday] = days[0] as [number];
  const sumOf = (day: number): number =>
    days.reduce((sum, [each, amount = 0]) => (each === day ? sum + amount : sum), 0);
  expect([sumOf(yesterday), sumOf(yesterday + 1)]).toEqual([ANSWER_NANO_USD, ANSWER_NANO_USD]);
});

test.each([
  ['lowered', [{ ...TOTAL, limitNanoUsd: nanoUsd(1) }]],
  ['removed', []],
  ['counted by another one', [{ ...TOTAL, window: { kind: 'calendar', unit: 'month' } } satisfies Budget]],
])('a call that was accepted is asked live when its budget is %s meanwhile', async (_how, budgets) => {
  const { stage, process } = await tight();
  const { call } = await stage.defer(process);
  process.budgets.setBudgets(budgets);
  await stage.ready();
  await stage.pass(HOUR_MS);
  await process.worker.tick();
  expect((await stage.job(call.callId)).result?.outcome).toBe('complete');
  expect(stage.charged()).toBe(ANSWER_NANO_USD);
});

test('a call cannot be taken back while it is asked; after its process died, what that may have spent stays charged', async () => {
  const { stage, process } = await tight();
  const callId = await diedAsking(stage, process);
  const callsOf = ({ engine, clock }: HeldProcess): DeferredCalls =>
    new DeferredCalls({ jobs: stage.jobs, engine: () => engine, clock, onCancelled: () => undefined });
  await expect(callsOf(process).cancel(callId, 'p')).rejects.toMatchObject({ status: 409 });
  await stage.kill(process);
  await stage.pass(61_000);
  const next = await stage.process();
  const cancelled = await callsOf(next).cancel(callId, 'p');
  expect(cancelled).toMatchObject({ state: 'done', result: { record: { costNanoUsd: BOUND, isEstimate: true } } });
  expect(stage.charged()).toBe(BOUND);
});

test('a call that is taken back in the pause between two tries is free of cost', async () => {
  const { stage, process } = await tight();
  const { call } = await stage.defer(process);
  stage.liveScript.push('fail');
  await stage.pass(HOUR_MS);
  await process.worker.tick();
  const { jobs } = stage;
  const calls = new DeferredCalls({
    jobs,
    engine: () => process.engine,
    clock: process.clock,
    onCancelled: () => undefined,
  });
  expect(await calls.cancel(call.callId, 'p')).toMatchObject({ result: { record: { costNanoUsd: 0 } } });
  expect(stage.charged()).toBe(0);
  expect(await process.ask(1)).toBe(200);
});

test('of two processes whose clocks differ, one that was followed does not spend what the other spends', async () => {
  const stage = new HeldMoneyStage({ limitNanoUsd: nanoUsd(3 * BOUND) });
  const [slow, ahead] = [await stage.process(), await stage.process(5000)];
  const { call } = await stage.defer(slow);
  await stage.pass(HOUR_MS);
  let goOn = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  stage.meanwhile = (process) => (process === slow ? stopped : Promise.resolve());
  const asking = slow.worker.tick();
  while ((await stage.job(call.callId)).attempts === 1) await nextTurn();
  // By its own clock the first has four seconds left.
  await stage.pass(56_000);
  await ahead.worker.tick();
  goOn();
  await asking;
  expect(stage.rowsOf(call.callId).filter((id) => id.startsWith('.1.') && id !== '.1.c1')).toHaveLength(1);
  expect(stage.billedNanoUsd).toBe(2 * ANSWER_NANO_USD);
  expect(stage.charged()).toBe(2 * ANSWER_NANO_USD);
});
