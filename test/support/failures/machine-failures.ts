import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { figuresOf, hardBudget } from '../budget-calls.ts';
import { QUICK } from '../deadline-stage.ts';
import { folderPlace } from '../gateway-kill-round.ts';
import { stopPastLease } from '../stopped-process.ts';
import { type FailureStage, type RowBody, startFailureStage, startLoad } from './failure-stage.ts';
import { lockFile } from './locked-file.ts';
import { acceptedCall, answeredCall, postLater } from './waiting-calls.ts';

/** util-linux: changes the limits of a process that runs. */
function limitFiles(pid: number | undefined, sizeBytes: number | 'unlimited'): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${sizeBytes}:unlimited`], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}

const ledgerUnwritable: RowBody = async (context) => {
  const { expect } = context;
  const settings = { batch: { gather: '3s' } };
  const stage = await startFailureStage(context, { hasProcesses: true, batches: QUICK, settings });
  const [gateway] = stage.gateways;
  await stage.isBack();
  stage.upstream.failNext({ kind: 'slow', delayMs: 1500 });
  const sent = stage.hard();
  await expect.poll(() => stage.upstream.counters().inFlight).toBe(1);
  const waiting = await acceptedCall(context, stage);
  const { size } = statSync(`${stage.ledger}-wal`);
  limitFiles(gateway?.pid, size);
  await expect.poll(async () => (await stage.hard()).status, { timeout: 10_000 }).toBe(503);
  expect((await stage.other()).status).toBe(503);
  expect((await postLater(stage, 'later')).status).toBe(503);
  expect((await fetch(`${gateway?.url}/readyz`)).status).toBe(503);
  // What had been sent is answered: its charge waits.
  expect((await sent).status).toBe(200);
  limitFiles(gateway?.pid, 'unlimited');
  await stage.isBack(20_000);
  await expect.poll(async () => (await fetch(`${gateway?.url}/readyz`)).status, { timeout: 10_000 }).toBe(200);
  expect(await answeredCall(context, stage, waiting)).toMatchObject({ status: 'completed' });
  await stage.checkMoney();
};

const fileLocked: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startFailureStage(context, { hasProcesses: true });
  await stage.isBack();
  const counters = await lockFile(join(stage.folder, 'data', 'budgets.db'));
  await expect.poll(async () => (await stage.hard()).status, { timeout: 10_000 }).toBe(503);
  expect((await stage.other()).status).toBe(200);
  counters.release();
  await stage.isBack();
  const ledger = await lockFile(stage.ledger);
  await expect.poll(async () => (await stage.hard()).status, { timeout: 40_000 }).toBe(503);
  expect((await stage.other()).status).toBe(503);
  ledger.release();
  await stage.isBack();
  await stage.checkMoney();
};

const SENT = 5;

const processKilled: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startFailureStage(context, { hasProcesses: true, gateways: 2 });
  await stage.isBack();
  stage.upstream.failNext({ kind: 'slow', delayMs: 3000 }, SENT);
  const lost = Array.from({ length: SENT }, () => stage.hard(0).catch(() => 'cut'));
  await expect.poll(() => stage.upstream.counters().inFlight).toBe(SENT);
  await stage.gateways[0]?.end('SIGKILL');
  expect(await Promise.all(lost)).toEqual(lost.map(() => 'cut'));
  expect((await stage.hard(1)).status).toBe(200);
  expect((await stage.other(1)).status).toBe(200);
  const url = stage.gateways[1]?.url ?? '';
  await expect
    .poll(async () => (await stage.charges()).filter(({ outcome }) => outcome === 'owner-died').length, {
      timeout: 20_000,
    })
    .toBe(SENT);
  const died = (await stage.charges()).filter(({ outcome }) => outcome === 'owner-died');
  expect(died.map(({ certainty }) => certainty)).toEqual(died.map(() => 'estimate'));
  // More than any answer of so many tokens costs.
  expect(Math.min(...died.map(({ amountNanoUsd }) => amountNanoUsd ?? 0))).toBeGreaterThan(190_000);
  const used = (await stage.charges())
    .filter(({ target }) => target === 'openai/gpt-5.4-mini')
    .reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? 0), 0);
  await expect.poll(() => figuresOf(url), { timeout: 15_000 }).toMatchObject({ usedNanoUsd: used, heldNanoUsd: 0 });
};

const processStopped: RowBody = (context) => stopPastLease(context, () => Promise.resolve(folderPlace()));

/** A preload that sets the clock of a process apart from the machine's. */
function clockAhead(aheadMs: number): readonly string[] {
  const text = `const now = Date.now; Date.now = () => now.call(Date) + ${aheadMs};`;
  return ['--import', `data:text/javascript,${encodeURIComponent(text)}`];
}

const AHEAD_MS = 4000;

const clockOff: RowBody = async (context) => {
  const stage = await startFailureStage(context, { hasProcesses: true });
  await stage.add(clockAhead(AHEAD_MS));
  await stage.add(clockAhead(-AHEAD_MS));
  await stage.isBack();
  const load = startLoad(stage);
  // Long enough for leases to be renewed and looked at by everyone.
  await new Promise((resolve) => void setTimeout(resolve, 7000));
  context.expect(new Set(await load.stop())).toEqual(new Set([200]));
  for (const index of stage.gateways.keys()) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    context.expect((await stage.other(index)).status).toBe(200);
  }
  context.expect((await stage.charges()).filter(({ outcome }) => outcome === 'owner-died')).toEqual([]);
  await stage.checkMoney();
};

function deleteCounters(stage: FailureStage): void {
  for (const end of ['', '-wal', '-shm']) rmSync(join(stage.folder, 'data', `budgets.db${end}`));
}

const countersDeleted: RowBody = async (context) => {
  const { expect } = context;
  const stage = await startFailureStage(context, { hasProcesses: true });
  await stage.isBack();
  deleteCounters(stage);
  expect((await stage.hard()).status).toBe(200);
  expect((await stage.other()).status).toBe(200);
  // One that starts now finds no counters, and builds none while another spends from those that are gone.
  await stage.add();
  expect((await stage.hard(1)).status).toBe(503);
  expect((await stage.other(1)).status).toBe(200);
  expect((await stage.hard()).status).toBe(200);
  await stage.gateways[0]?.end();
  stage.gateways.shift();
  await stage.isBack();
  await stage.checkMoney();
};

const webhookDown: RowBody = async (context) => {
  const { expect } = context;
  const bodies: string[] = [];
  const receiver = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
    request.on('end', () => response.end());
  });
  const listen = (port: number): Promise<number> =>
    new Promise((resolve) => {
      receiver.listen(port, '127.0.0.1', () => {
        const address = receiver.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  const port = await listen(0);
  await new Promise((resolve) => void receiver.close(resolve));
  const webhook = { url: `http://127.0.0.1:${port}/`, secret: 'a-secret-of-the-receiver' };
  const budget = {
    ...hardBudget('1'),
    scope: 'model:openai/gpt-5.4-mini',
    alertAt: [0.0001],
    window: { rolling: '1h' },
  };
  const stage = await startFailureStage(context, { settings: { alerts: { webhook }, budgets: [budget] } });
  await stage.isBack();
  await expect.poll(() => stage.log.filter((line) => line.includes('budget alert')).length, { timeout: 5000 }).toBe(1);
  expect((await stage.hard()).status).toBe(200);
  expect((await stage.other()).status).toBe(200);
  await listen(port);
  context.onTestFinished(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  await expect.poll(() => bodies.length, { timeout: 20_000 }).toBe(1);
  expect(bodies[0]).toContain('"budget":"everything"');
  await stage.checkMoney();
};

/** Failures of disks, processes, clocks and receivers. */
export const MACHINE_FAILURES: Readonly<Record<string, RowBody>> = {
  'ledger-unwritable': ledgerUnwritable,
  'file-locked': fileLocked,
  'process-killed': processKilled,
  'process-stopped': processStopped,
  'clock-off': clockOff,
  'counters-deleted': countersDeleted,
  'webhook-down': webhookDown,
};
