import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { jobsPath } from '../../../src/stores/sqlite/data-files.ts';
import { openSqliteJobStore } from '../../../src/stores/sqlite/sqlite-job-store.ts';
import { figuresOf, hardBudget } from '../budget-calls.ts';
import { sumOf } from '../charges-of.ts';
import { endWaiting, QUICK } from '../deadline-stage.ts';
import { answering, webhookReceiver } from '../webhook-receiver.ts';
import { lockFile } from './locked-file.ts';
import {
  type FailureStage,
  type FailureStageOptions,
  type RowBody,
  type RowContext,
  startFailureStage,
} from './failure-stage.ts';
import { acceptedCall, answeredCall, PATIENCE, postLater, statusOf } from './waiting-calls.ts';

/** Long enough for nothing to be sent before the failure is there. */
const LATER = { batch: { gather: '5m' } };
const AT_ONCE = { batch: { gather: '100ms' } };

/** Gateways whose calls may wait, all under one hard budget. */
function startWaiting(context: RowContext, options: FailureStageOptions = {}): Promise<FailureStage> {
  const settings = { budgets: [hardBudget('1')], ...AT_ONCE, ...options.settings };
  return startFailureStage(context, { batches: QUICK, ...options, settings });
}

/** Takes the gateway away and starts another one on its folder. */
async function restart(stage: FailureStage, signal?: NodeJS.Signals): Promise<void> {
  await stage.gateways[0]?.end(signal);
  stage.gateways.shift();
  await stage.add();
}

/** Waits until what waits is answered and what it held is free, and holds the ledger against the bill. */
async function isSettled({ expect }: RowContext, stage: FailureStage): Promise<void> {
  const figures = async (): Promise<unknown> => {
    const { heldNanoUsd, usedNanoUsd } = await figuresOf(stage.gateways[0]?.url ?? '');
    const billed = stage.upstream.invoice().totalNanoUsd;
    return { charged: sumOf(await stage.charges()) - billed, used: BigInt(usedNanoUsd) - billed, held: heldNanoUsd };
  };
  await expect.poll(figures, PATIENCE).toEqual({ charged: 0n, used: 0n, held: 0 });
}

const waitingKilled: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startWaiting(context, { hasProcesses: true, settings: { batch: { gather: '3s' } } });
  const callIds = await Promise.all([1, 2, 3].map(() => acceptedCall(context, stage)));
  const held = sumOf(await stage.charges());
  expect(held).toBeGreaterThan(0n);
  await stage.gateways[0]?.end('SIGKILL');
  expect(sumOf(await stage.charges())).toBe(held);
  stage.gateways.shift();
  await stage.add();
  const records = await Promise.all(callIds.map((callId) => answeredCall(context, stage, callId)));
  expect(records).toMatchObject(callIds.map(() => ({ status: 'completed' })));
  expect([stage.upstream.batches().length, stage.upstream.invoice().requests]).toEqual([1, 3]);
  await isSettled(context, stage);
};

const submissionLost: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startWaiting(context);
  stage.upstream.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
  const callId = await acceptedCall(context, stage);
  expect((await stage.hard()).status).toBe(200);
  expect(await answeredCall(context, stage, callId)).toMatchObject({ status: 'completed', way: 'batch' });
  expect(stage.upstream.batches()).toHaveLength(1);
  await isSettled(context, stage);
};

const batchLate: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startWaiting(context, { batches: { ...QUICK, neverRatio: 1 } });
  const callId = await acceptedCall(context, stage);
  await expect.poll(() => stage.upstream.batches().length, PATIENCE).toBe(1);
  await endWaiting(join(stage.folder, 'data'), callId);
  expect(await answeredCall(context, stage, callId)).toMatchObject({ status: 'completed', way: 'live' });
  await expect.poll(() => stage.upstream.batches()[0]?.phase, PATIENCE).toMatch(/^cancel/);
  await isSettled(context, stage);
};

const jobsLocked: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startWaiting(context, { settings: LATER });
  const callId = await acceptedCall(context, stage);
  const lock = await lockFile(jobsPath(join(stage.folder, 'data')));
  const refused = await postLater(stage, 'while it is locked');
  expect(refused.status).toBe(503);
  expect(await statusOf(stage, callId)).toBe(202);
  expect((await stage.hard()).status).toBe(200);
  lock.release();
  expect((await postLater(stage, 'afterwards')).status).toBe(202);
  await restart(stage);
  expect(await statusOf(stage, callId)).toBe(202);
};

const jobsDeleted: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startWaiting(context, { settings: LATER });
  const callId = await acceptedCall(context, stage);
  const held = sumOf(await stage.charges());
  for (const end of ['', '-wal', '-shm']) rmSync(`${jobsPath(join(stage.folder, 'data'))}${end}`);
  expect(await statusOf(stage, callId)).toBe(202);
  await restart(stage);
  expect(await statusOf(stage, callId)).toBe(404);
  expect((await postLater(stage, 'a new one')).status).toBe(202);
  expect((await stage.hard()).status).toBe(200);
  const [lost] = await stage.charges();
  expect([lost?.outcome, lost?.certainty, BigInt(lost?.amountNanoUsd ?? 0)]).toEqual(['deferred', 'estimate', held]);
};

const hookDown: RowBody = async (context) => {
  const { expect } = context;
  let isDown = true;
  const receiver = await webhookReceiver((response, count) => answering(isDown ? 503 : 204)(response, count));
  context.onTestFinished(() => receiver.close());
  const webhooks = { urls: [new URL('/', receiver.url).href], secret: '0123456789abcdef' };
  const stage = await startWaiting(context, { settings: { batch: { gather: '100ms', webhooks } } });
  const callId = await acceptedCall(context, stage, { 'x-farthing-webhook': receiver.url });
  await expect.poll(() => receiver.received.length, PATIENCE).toBe(1);
  expect(await answeredCall(context, stage, callId)).toMatchObject({ status: 'completed' });
  isDown = false;
  // The next try is half a minute later: it is brought forward.
  const jobs = await openSqliteJobStore(jobsPath(join(stage.folder, 'data')));
  context.onTestFinished(() => jobs.close());
  const [job] = await jobs.read([callId]);
  expect(job?.toldAtMs).toBeUndefined();
  await jobs.update([{ callId, version: job?.version ?? 0, set: { leaseUntilMs: 0 } }]);
  await restart(stage);
  await expect.poll(async () => (await jobs.read([callId]))[0]?.toldAtMs, PATIENCE).toBeGreaterThan(0);
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  expect(receiver.received).toHaveLength(2);
  await isSettled(context, stage);
};

/** Failures while calls wait for their answers. */
export const WAITING_FAILURES: Readonly<Record<string, RowBody>> = {
  'waiting-killed': waitingKilled,
  'submission-lost': submissionLost,
  'batch-late': batchLate,
  'jobs-locked': jobsLocked,
  'jobs-deleted': jobsDeleted,
  'hook-down': hookDown,
};
