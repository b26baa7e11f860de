import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteLimitStore } from '../src/stores/sqlite/sqlite-limit-store.ts';

const CHILD = new URL('support/limits-child.ts', import.meta.url).pathname;
const CAP = 7;
const PER_MINUTE = 3000;

interface Running {
  readonly child: ChildProcess;
  readonly isReady: Promise<void>;
  readonly exit: Promise<unknown>;
  /** From when to when each of its calls lasted. */
  calls(): readonly (readonly [fromMs: number, untilMs: number])[];
}

function run(path: string): Running {
  const child = spawn(process.execPath, [CHILD, path, String(CAP), String(PER_MINUTE)], { env: {} });
  let printed = '';
  const isReady = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.startsWith('ready\n')) resolve();
    });
  });
  const exit = new Promise((resolve) => void child.on('close', resolve));
  onTestFinished(() => void child.kill('SIGKILL'));
  const calls = (): readonly (readonly [number, number])[] =>
    [...printed.matchAll(/^(\d+) (\d+)$/gm)].map(([, from, until]) => [Number(from), Number(until)]);
  return { child, isReady, exit, calls };
}

/** Most calls under way in one millisecond that none of them began or ended in. */
function mostAtOnce(calls: Running['calls'] extends () => infer Calls ? Calls : never): number {
  const steps = calls.flatMap(([fromMs, untilMs]) => [
    { atMs: fromMs, change: 1 },
    { atMs: untilMs, change: -1 },
  ]);
  // A call that ends in the millisecond in which another begins may have ended before it.
  const ordered = steps.toSorted((left, right) => left.atMs - right.atMs || left.change - right.change);
  let [now, most] = [0, 0];
  for (const { change } of ordered) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

test('four processes on one file keep a cap and a rate together, one of them killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-limits-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'limits.db');
  const startedAtMs = Date.now();
  const processes = Array.from({ length: 4 }, () => run(path));
  await Promise.all(processes.map(({ isReady }) => isReady));
  await delay(700);
  processes[0]?.child.kill('SIGKILL');
  await delay(700);
  for (const { child } of processes.slice(1)) child.stdin?.write('stop');
  await Promise.all(processes.map(({ exit }) => exit));
  const elapsedMs = Date.now() - startedAtMs;
  const calls = processes.flatMap((one) => one.calls());
  expect(processes.filter((one) => one.calls().length > 0).length).toBeGreaterThan(1);
  expect(mostAtOnce(calls)).toBeLessThanOrEqual(CAP);
  expect(mostAtOnce(calls)).toBeGreaterThan(CAP / 2);
  expect(calls.length).toBeLessThanOrEqual(PER_MINUTE * (1 + elapsedMs / 60_000));
  const store = await openSqliteLimitStore(path);
  const claim = { ownerId: 'new', count: CAP, limit: CAP, leaseMs: 1 };
  // The living gave back all that they held; what the dead one held comes back when its lease ends.
  expect(await store.hold('key:k:calls', { ...claim, nowMs: Date.now() + 10_001 })).toBe(CAP);
  await store.close();
});
