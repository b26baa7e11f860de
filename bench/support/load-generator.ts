// Makes calls in a closed loop in a process of its own, so that its work is not counted as the proxy's.
import { type Dispatcher, Pool } from 'undici';
import { announce } from './bench-child.ts';
import { bodyMaker, scenarioOf, type ScenarioName } from './scenario.ts';

/** What to load, and how. */
export interface LoadOrder {
  readonly origin: string;
  readonly path: string;
  readonly secret: string;
  readonly scenario: ScenarioName;
  readonly calls: number;
  readonly concurrency: number;
  /** The number of the first body: what was used before is not used again. */
  readonly firstIndex: number;
}

/** What came of it. Times in milliseconds. */
export interface LoadResult {
  readonly kind: 'done';
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly wallMs: number;
}

const pools = new Map<string, Pool>();

function poolOf(origin: string): Pool {
  const known = pools.get(origin);
  if (known !== undefined) return known;
  const pool = new Pool(origin, { connections: 64, pipelining: 1 });
  pools.set(origin, pool);
  return pool;
}

/** Reads an answer to its end and says whether it was one. */
class Drain implements Dispatcher.DispatchHandler {
  readonly #done: (isGood: boolean) => void;
  #status = 0;

  constructor(done: (isGood: boolean) => void) {
    this.#done = done;
  }

  onRequestStart(): void {
    // undici demands the method
  }

  onResponseStart(_controller: unknown, status: number): void {
    this.#status = status;
  }

  onResponseData(): void {
    // only the end counts
  }

  onResponseEnd(): void {
    this.#done(this.#status === 200);
  }

  onResponseError(): void {
    this.#done(false);
  }
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const scenario = scenarioOf(order.scenario);
  const makeBody = bodyMaker(scenario);
  const pool = poolOf(order.origin);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${order.secret}` };
  const timesMs: number[] = [];
  let next = 0;
  let failed = 0;
  const one = (body: Buffer): Promise<boolean> =>
    new Promise((resolve) => {
      pool.dispatch({ path: order.path, method: 'POST', headers, body }, new Drain(resolve));
    });
  const loop = async (): Promise<void> => {
    while (next < order.calls) {
      const index = scenario.distinct === undefined ? order.firstIndex + next : next % scenario.distinct;
      next += 1;
      const startedAt = performance.now();
      if (!(await one(makeBody(index)))) failed += 1;
      timesMs.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: order.concurrency }, loop));
  const wallMs = performance.now() - startedAt;
  timesMs.sort((left, right) => left - right);
  const at = (ratio: number): number => timesMs[Math.min(timesMs.length - 1, Math.floor(timesMs.length * ratio))] ?? 0;
  return { kind: 'done', failed, p50Ms: at(0.5), p99Ms: at(0.99), wallMs };
}

process.on('message', (order: LoadOrder) => {
  void load(order).then((result) => process.send?.(result));
});
announce(0);
