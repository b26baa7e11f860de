import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { SimulatedBatchOptions } from '../../src/simulator/batch/batch-options.ts';
import { collect } from '../../src/testing/collect.ts';
import { BatchWorld, type WorldCall } from './batch-world.ts';
import { Fuse } from './crashing-port.ts';
import { damagedApi } from './damaged-api.ts';

/** Calls, providers and deaths that a world goes through. */
export interface BatchSchedule {
  readonly seed: number;
  readonly calls: readonly WorldCall[];
  readonly batches: SimulatedBatchOptions;
  readonly flexBusyRatio: number;
  readonly maxRequests: number;
  readonly workers: number;
  readonly crashes: readonly { readonly operations: number; readonly isAfter: boolean }[];
  /** Those of whoever accepts the calls, one after the other. */
  readonly lostAccepts: readonly { readonly operations: number; readonly isAfter: boolean }[];
  /** Whether of each batch's answers there is one that nobody can read. */
  readonly isDamaged: boolean;
  /** In which round all batches are cancelled; undefined: in none. */
  readonly cancelsAtRound: number | undefined;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Five of them happen to one request: together they are less than all. */
const ratio = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(0.1, 0.18) });

const worldCall = fc.record({
  vendor: fc.constantFrom('openai' as const, 'anthropic' as const),
  run: fc.constantFrom('', 'run_a'),
  deadlineMs: fc.oneof(fc.constant(undefined), fc.integer({ min: 4 * MINUTE_MS, max: 3 * HOUR_MS })),
  onUnanswered: fc.constantFrom('batch' as const, 'live' as const, 'fail' as const),
});

const crash = fc.record({ operations: fc.nat({ max: 90 }), isAfter: fc.boolean() });

const batches: fc.Arbitrary<SimulatedBatchOptions> = fc.record({
  medianMs: fc.constantFrom(MINUTE_MS, 10 * MINUTE_MS, 40 * MINUTE_MS),
  spreadSigma: fc.constantFrom(0, 0.6),
  windowMs: fc.constant(HOUR_MS),
  slowRatio: fc.constant(0),
  neverRatio: fc.constantFrom(0, 0, 0.3, 1),
  failedRowRatio: fc.constantFrom(0, 0, 0.3, 1),
  failedRowStatus: fc.constantFrom(400 as const, 429 as const, 500 as const),
  listingLagMs: fc.constantFrom(0, 30_000),
  refusedRatio: ratio,
  brokenRatio: ratio,
  lostRequestRatio: ratio,
  lostReplyRatio: ratio,
  cutDownloadRatio: ratio,
});

/** All that may happen to deferred calls. */
export const batchSchedule: fc.Arbitrary<BatchSchedule> = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  calls: fc
    .array(worldCall, { minLength: 1, maxLength: 10 })
    .map((calls) => calls.map((one, position) => ({ ...one, position: one.run === '' ? 0 : position }))),
  batches,
  flexBusyRatio: fc.constantFrom(0, 1),
  maxRequests: fc.integer({ min: 1, max: 6 }),
  workers: fc.integer({ min: 1, max: 3 }),
  crashes: fc.array(crash, { maxLength: 5 }),
  lostAccepts: fc.array(fc.record({ operations: fc.nat({ max: 3 }), isAfter: fc.boolean() }), { maxLength: 3 }),
  isDamaged: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  cancelsAtRound: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.nat({ max: 12 })),
});

/** Lets a world go through a schedule, and checks that every call was answered and charged once, or failed with its reason. */
export async function checkSchedule(schedule: BatchSchedule): Promise<void> {
  const { seed, calls, crashes, lostAccepts, workers, isDamaged, cancelsAtRound, ...rest } = schedule;
  const world = new BatchWorld({ seed, ...rest, ...(isDamaged && { apiOf: damagedApi }) });
  const accepted: string[] = [];
  for (const [index, one] of calls.entries()) {
    const lost = lostAccepts[index];
    const fuse = lost === undefined ? Fuse.never() : new Fuse(lost.operations, lost.isAfter);
    // oxlint-disable-next-line no-await-in-loop -- one seed is one world
    const callId = await world.add(one, fuse);
    if (callId !== undefined) accepted.push(callId);
    world.clock.advance(1_000);
  }
  const fuses = crashes.map(({ operations, isAfter }) => new Fuse(operations, isAfter));
  await world.settle(fuses, workers, async (round) => {
    if (round !== cancelsAtRound) return;
    const underWay = await world.jobs.batches({});
    await world.jobs.cancelBatches(
      underWay.map(({ batchId }) => batchId),
      world.clock.nowMs(),
    );
  });
  const hasCrashed = fuses.some(({ isBurnt }) => isBurnt);
  await checkCalls(world, accepted, hasCrashed);
  await checkMoney(world, isDamaged);
  checkBatches(world, await world.jobs.batches({ settledSinceMs: 0 }));
}

async function checkCalls(world: BatchWorld, accepted: readonly string[], hasCrashed: boolean): Promise<void> {
  const jobs = await world.all();
  // A call whose confirmation was lost was begun, and its client was told of an error.
  expect(jobs.map(({ call }) => call.callId)).toEqual(expect.arrayContaining([...accepted]));
  expect(world.events.filter(({ kind }) => kind === 'internal-fault' || kind === 'batch-row-unknown')).toEqual([]);
  const told = world.published.map(({ callId }) => callId).toSorted();
  // A process that follows one which died tells again what that may not have told; the ledger keeps one.
  expect(hasCrashed ? [...new Set(told)] : told).toEqual(jobs.map(({ call }) => call.callId).toSorted());
  for (const { state, batchId, result, call } of jobs) {
    expect({ state, batchId }).toEqual({ state: 'done', batchId: undefined });
    expect(result?.outcome).toMatch(
      /^(?:complete|provider-error|expired|cancelled|missing|unreadable|batch-refused|status-\d+)$/,
    );
    if (result?.outcome === 'complete') expect(result.body).toContain('"usage"');
    // oxlint-disable-next-line no-await-in-loop
    const charged = await world.charged(call.callId);
    const stated = world.published.find(({ callId }) => callId === call.callId)?.costNanoUsd;
    // A live call that was under way when its process died is in the ledger alone.
    if (hasCrashed) expect(stated).toBeLessThanOrEqual(charged);
    else expect(stated).toBe(charged);
    expect(charged).toBeLessThanOrEqual(call.boundNanoUsd * 4);
  }
}

/** What is charged is what is billed; of what nobody can read it is an estimate, which is never too low. */
async function checkMoney(world: BatchWorld, isDamaged: boolean): Promise<void> {
  const charged = await world.charged();
  if (!isDamaged) {
    expect(charged).toBe(world.invoiced());
    return;
  }
  const calls = new Map((await world.all()).map(({ call }) => [call.callId, call]));
  const charges = await collect(world.ledger.charges({}));
  const unread = charges.filter(({ certainty, corrects }) => certainty === 'estimate' && corrects !== undefined);
  const most = unread.reduce((sum, { callId }) => sum + (calls.get(callId)?.boundNanoUsd ?? Number.NaN) / 2 + 1, 0);
  expect(charged).toBeGreaterThanOrEqual(world.invoiced());
  expect(charged).toBeLessThanOrEqual(world.invoiced() + most);
}

function checkBatches(world: BatchWorld, settled: readonly { readonly providerId: string | undefined }[]): void {
  const { openai, anthropic } = world.simulated;
  const there = [...openai.books.batches(), ...anthropic.books.batches()].map(({ id }) => id);
  // None was submitted twice, and none is forgotten.
  expect(there.toSorted()).toEqual(settled.flatMap(({ providerId }) => providerId ?? []).toSorted());
  const answered = [...openai.books.answeredRows(), ...anthropic.books.answeredRows()]
    .filter(({ status }) => status === 200)
    .map(({ customId }) => customId);
  expect(new Set(answered).size).toBe(answered.length);
  const calls = answered.map((customId) => customId.slice(customId.indexOf('call_')));
  expect(new Set(calls).size).toBe(calls.length);
}
