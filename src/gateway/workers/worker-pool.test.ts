import { afterEach, expect, test, vi } from 'vitest';
import { FarthingError } from '../../core/errors.ts';
import { gatewayLog } from '../gateway-log.ts';
import type { WorkerReady, WorkerSnapshot } from './worker-group.ts';
import { WorkerLink } from './worker-link.ts';
import { WorkerPool, type WorkerProcess } from './worker-pool.ts';

const READY: WorkerReady = { url: 'http://127.0.0.1:4141', localKeyPath: undefined };

function snapshotOf(calls: number): WorkerSnapshot {
  return { metrics: [], stats: { uptimeMs: 0, inFlight: calls, memoryBytes: 0, calls: [] } };
}

/** A worker without a process: real messages, real link. */
class FakeWorker implements WorkerProcess {
  readonly pid = 1;
  readonly link: WorkerLink;
  readonly url: string | undefined;
  isSilent = false;
  reloads = 0;
  reloadFault: FarthingError | undefined;
  inFlight = 1;
  #toPrimary: (message: unknown) => void = () => undefined;
  #toWorker: (message: unknown) => void = () => undefined;
  #onExit: (code: number | null, signal: string | null) => void = () => undefined;

  constructor(url: string | undefined) {
    this.url = url;
    this.link = new WorkerLink({
      send: (message) => queueMicrotask(() => this.#toPrimary(message)),
      onMessage: (listener) => {
        this.#toWorker = listener;
      },
    });
  }

  async listen(): Promise<void> {
    await this.link.ready(READY, {
      snapshot: async () => snapshotOf(this.inFlight),
      reload: async () => {
        if (this.reloadFault !== undefined) throw this.reloadFault;
        this.reloads += 1;
      },
      drain: () => this.exit(0),
    });
  }

  send(message: unknown): void {
    if (!this.isSilent) queueMicrotask(() => this.#toWorker(message));
  }
  kill(signal: NodeJS.Signals): void {
    this.exit(null, signal);
  }
  exit(code: number | null, signal: string | null = null): void {
    this.#onExit(code, signal);
  }
  onMessage(listener: (message: unknown) => void): void {
    this.#toPrimary = listener;
  }
  onExit(listener: (code: number | null, signal: string | null) => void): void {
    this.#onExit = listener;
  }
}

const lines: string[] = [];
afterEach(() => {
  lines.length = 0;
  vi.useRealTimers();
});

function poolOf(count: number): { pool: WorkerPool; workers: FakeWorker[]; givenUp: number[] } {
  const workers: FakeWorker[] = [];
  const givenUp: number[] = [];
  const pool = new WorkerPool({
    count,
    fork: (url) => {
      const worker = new FakeWorker(url);
      workers.push(worker);
      return worker;
    },
    log: gatewayLog('info', { write: (line) => void lines.push(line) }),
    onGivenUp: (exitCode) => void givenUp.push(exitCode),
  });
  return { pool, workers, givenUp };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

async function started(count: number): Promise<ReturnType<typeof poolOf>> {
  const made = poolOf(count);
  const starting = made.pool.start();
  await made.workers[0]?.listen();
  await turns();
  await Promise.all(made.workers.slice(1).map((worker) => worker.listen()));
  expect(await starting).toEqual({ kind: 'ready', ready: READY });
  return made;
}

test('the others start once the first listens', async () => {
  const { pool, workers } = poolOf(3);
  void pool.start();
  expect(workers).toHaveLength(1);
  await workers[0]?.listen();
  await turns();
  expect(workers).toHaveLength(3);
});

test('a first worker that cannot start ends the start with its exit code, and no other is tried', async () => {
  const { pool, workers } = poolOf(3);
  const starting = pool.start();
  workers[0]?.exit(2);
  expect(await starting).toEqual({ kind: 'failed', exitCode: 2 });
  expect(workers).toHaveLength(1);
});

test('any worker gets the report of all; one that is silent is left out, counted, and keeps what it had', async () => {
  vi.useFakeTimers();
  const { workers } = await started(3);
  const [first, second, third] = workers as [FakeWorker, FakeWorker, FakeWorker];
  second.inFlight = 5;
  const whole = await first.link.report();
  expect(whole.snapshots.map(({ stats }) => stats.inFlight)).toEqual([1, 5, 1]);
  second.isSilent = true;
  const asking = third.link.report();
  await vi.advanceTimersByTimeAsync(1000);
  const partial = await asking;
  expect(partial.snapshots).toHaveLength(2);
  expect(partial.lost.map(({ stats }) => stats.inFlight)).toEqual([5]);
  expect(partial.facts).toEqual({ workers: 2, restarts: 0, unanswered: 1 });
});

test('a worker that dies is started again after a pause, and what it had counted stays', async () => {
  vi.useFakeTimers();
  const { pool, workers } = await started(2);
  await pool.report();
  workers[1]?.exit(null, 'SIGKILL');
  expect(workers).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(100);
  await workers[2]?.listen();
  const { snapshots, lost, facts } = await pool.report();
  expect([snapshots.length, lost.length, facts.restarts]).toEqual([2, 1, 1]);
  expect(workers[2]?.url).toBeUndefined();
  expect(lines.join('')).toContain('a worker ended; another is started');
});

test('a hundred that die lose nothing of the sums', async () => {
  vi.useFakeTimers();
  const { pool, workers } = await started(2);
  for (let death = 0; death < 100; death += 1) {
    await pool.report();
    workers.at(-1)?.exit(1);
    await vi.advanceTimersByTimeAsync(10_000);
    await workers.at(-1)?.listen();
  }
  vi.useRealTimers();
  await expect.poll(async () => (await pool.report()).lost.length).toBeLessThan(20);
  expect((await pool.report()).facts.restarts).toBe(100);
});

test('when the last has died the next names the address of the first, and if it cannot start the pool gives up', async () => {
  vi.useFakeTimers();
  const { workers, givenUp } = await started(1);
  workers[0]?.exit(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(workers[1]?.url).toBe(READY.url);
  workers[1]?.exit(2);
  expect(givenUp).toEqual([2]);
});

test('a reload through one worker reaches all, and tells the first fault', async () => {
  const { workers } = await started(3);
  await workers[1]?.link.reload();
  expect(workers.map(({ reloads }) => reloads)).toEqual([1, 1, 1]);
  (workers[2] as FakeWorker).reloadFault = new FarthingError('configuration', 'changed: listen', { status: 409 });
  await expect(workers[0]?.link.reload()).rejects.toMatchObject({
    code: 'configuration',
    message: 'changed: listen',
    status: 409,
  });
});

test('a worker that was starting during a reload is told to read again', async () => {
  const { pool, workers } = poolOf(2);
  const starting = pool.start();
  await workers[0]?.listen();
  await turns();
  await pool.reload();
  await workers[1]?.listen();
  await starting;
  await turns();
  expect(workers.map(({ reloads }) => reloads)).toEqual([1, 1]);
});

test('draining ends all, and says whether all could end well', async () => {
  const { pool, workers } = await started(2);
  expect(await pool.drain()).toBe(0);
  const other = await started(2);
  const draining = other.pool.drain();
  other.workers[1]?.exit(1);
  expect(await draining).toBe(1);
  expect([workers.length, other.workers.length]).toEqual([2, 2]);
});
