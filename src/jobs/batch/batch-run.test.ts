import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { BatchWorld, MODELS, type WorldOptions } from '../../../test/support/batch-world.ts';
import { RunPurse } from '../../core/batch/run-purse.ts';
import { FarthingError } from '../../core/errors.ts';
import type { Charge } from '../../core/model/charge.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import { nanoUsd } from '../../core/money.ts';
import { systemRandom } from '../../engine/system-ports.ts';
import type { JobChange, Jobs } from '../../ports/job-store.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { BatchRun, settlePurse } from './batch-run.ts';
import { RunBell } from './run-bell.ts';
import type { RunItem } from './run-jobs.ts';

const NEVER = new AbortController().signal;

interface Stage {
  readonly world: BatchWorld;
  run(items: readonly RunItem[], signals?: { stop?: AbortSignal; cut?: AbortSignal }): AsyncGenerator<Job>;
}

/** A worker that works as time passes, and runs of one name. */
function stage(options: Partial<WorldOptions> = {}, purse?: RunPurse): Stage {
  const batches = { medianMs: 600_000, spreadSigma: 0, slowRatio: 0, windowMs: 3_600_000, ...options.batches };
  const world = new BatchWorld({ seed: 7, flexBusyRatio: 0, maxRequests: 4, ...options, batches });
  const worker = world.worker();
  const over = new AbortController();
  const working = (async (): Promise<void> => {
    while (!over.signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- time passes
      await worker.tick();
      world.clock.advance(20_000);
      // oxlint-disable-next-line no-await-in-loop
      await nextTurn();
    }
  })();
  onTestFinished(async () => {
    over.abort();
    await working;
  });
  return {
    world,
    run(items, { stop = NEVER, cut = NEVER } = {}) {
      const bell = new RunBell('run_a', (job) => settlePurse(purse, job));
      world.listeners.add((job) => bell.ring(job));
      const { engine, jobs, clock } = world;
      const run = new BatchRun({
        run: 'run_a',
        jobs,
        desk: world.desk(),
        worker,
        engine,
        ask: async ({ endpoint, body }, { sink, ...terms }) => {
          const caller = { project: 'p', keyId: 'k' };
          await engine.handle({ endpoint, body, headers: {}, caller, ...terms }, sink);
          return sink.status === 202 ? undefined : engine.callRecord(sink.callId, 'p');
        },
        bell,
        onUnanswered: 'batch',
        deadlineAtMs: undefined,
        purse,
        clock,
        random: systemRandom,
      });
      return run.ends(iterated(items), { stop, cut });
    },
  };
}

async function* iterated(items: readonly RunItem[]): AsyncGenerator<RunItem> {
  yield* items;
}

function itemAt(position: number, text = `Item ${position}`): RunItem {
  const body = {
    model: MODELS.openai,
    messages: [{ role: 'user', content: text }],
    max_completion_tokens: 16,
  };
  return {
    kind: 'call',
    position,
    label: `line-${position}`,
    endpoint: 'chat',
    body: Buffer.from(JSON.stringify(body)),
  };
}

const ITEMS = Array.from({ length: 10 }, (_, position) => itemAt(position));

async function collected(ends: AsyncGenerator<Job>): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  for await (const job of ends) jobs.push(job);
  return jobs;
}

test('a run is answered in its order by full batches, at half the price; taken up again it asks for nothing twice', async () => {
  const { world, run } = stage();
  const first = await collected(run(ITEMS));
  expect(first.map(({ call }) => call.label)).toEqual(ITEMS.map(({ label }) => label));
  expect(first.map(({ result }) => [result?.outcome, result?.way])).toEqual(ITEMS.map(() => ['complete', 'batch']));
  const { books } = world.simulated.openai;
  expect(books.batches().map(({ requests }) => requests)).toEqual([4, 4, 2]);
  expect(await world.charged()).toBe(world.invoiced());
  expect(books.invoice().byTier.standard.requests).toBe(0);
  const again = await collected(run(ITEMS));
  expect(again.map(({ result }) => result)).toEqual(first.map(({ result }) => result));
  expect(books.invoice().requests).toBe(ITEMS.length);
});

test('an item that two processes asked at once has one result in each, and in whoever takes the run up again', async () => {
  const { world, run } = stage();
  const places = ITEMS.map(({ position }) => position);
  const placesOf = async (): Promise<readonly number[]> =>
    (await collected(run(ITEMS))).map(({ call }) => call.position);
  expect(await Promise.all([placesOf(), placesOf()])).toEqual([places, places]);
  const { requests } = world.simulated.openai.books.invoice();
  expect(await placesOf()).toEqual(places);
  expect(world.simulated.openai.books.invoice().requests).toBe(requests);
  expect(await world.charged()).toBe(world.invoiced());
});

test('a run that is left goes on where it was, also with items that were not there yet', async () => {
  const { world, run } = stage();
  const left = new AbortController();
  let given = 0;
  for await (const { state } of run(ITEMS.slice(0, 6), { cut: left.signal })) {
    given += state === 'done' ? 1 : 0;
    left.abort();
  }
  expect(given).toBeLessThan(6);
  const all = await collected(run(ITEMS));
  expect(all.map(({ call }) => call.position)).toEqual(ITEMS.map(({ position }) => position));
  expect(world.simulated.openai.books.invoice().requests).toBe(ITEMS.length);
});

test('a run that is stopped cancels what waits and what is in batches, and charges nothing for it', async () => {
  const { world, run } = stage({ batches: { neverRatio: 1, spreadSigma: 0, slowRatio: 0, windowMs: 360_000_000 } });
  const stop = new AbortController();
  const ends = collected(run(ITEMS, { stop: stop.signal }));
  while ((await world.jobs.batches({})).every(({ stage: at }) => at !== 'submitted')) await nextTurn();
  stop.abort();
  const jobs = await ends;
  expect(jobs.length).toBe(ITEMS.length);
  for (const { result } of jobs) expect(['cancelled', 'complete']).toContain(result?.outcome);
  expect(jobs.some(({ result }) => result?.outcome === 'cancelled')).toBe(true);
  expect(await world.charged()).toBe(world.invoiced());
});

test('what cannot be asked fails at its place, and another item at a place that was asked is refused', async () => {
  const { run } = stage();
  const error = new FarthingError('invalid-request', 'an item without a prompt');
  const fault: RunItem = { kind: 'fault', position: 1, label: 'bad', error };
  const jobs = await collected(run([itemAt(0), fault, itemAt(2)]));
  expect(jobs.map(({ result }) => result?.outcome)).toEqual(['complete', 'invalid-request', 'complete']);
  await expect(collected(run([itemAt(0, 'another'), fault, itemAt(2)]))).rejects.toMatchObject({
    code: 'configuration',
  });
});

test('a purse that holds one batch at a time is never passed, and suffices for all of them', async () => {
  const limit = 1_500_000;
  const purse = new RunPurse(nanoUsd(limit), nanoUsd(0), () => undefined);
  const { world, run } = stage({}, purse);
  const jobs = await collected(run(ITEMS));
  expect(jobs.map(({ result }) => result?.outcome)).toEqual(ITEMS.map(() => 'complete'));
  expect(world.simulated.openai.books.batches().length).toBeGreaterThan(3);
  expect(purse.spentNanoUsd).toBe(world.invoiced());
  expect(purse.leftNanoUsd).toBe(limit - world.invoiced());
});

/** A store that is down for the first answer of its desk: what was accepted cannot be confirmed. */
function unconfirmed(jobs: Jobs, state: { left: number }): Jobs {
  return new Proxy(jobs, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'update') return value.bind(target) as unknown;
      return async (changes: readonly JobChange[]) => {
        if (state.left > 0 && changes.some(({ set }) => set.state === 'waiting')) {
          state.left -= 1;
          throw new FarthingError('store-unavailable', 'down', { retryable: true });
        }
        return jobs.update(changes);
      };
    },
  });
}

test('an item that could not be accepted for a moment is not lost', async () => {
  const state = { left: 1 };
  const purse = new RunPurse(nanoUsd(100_000_000), nanoUsd(0), () => undefined);
  const { world, run } = stage({ jobsOf: (jobs) => unconfirmed(jobs, state) }, purse);
  const jobs = await collected(run(ITEMS));
  expect(state.left).toBe(0);
  expect(jobs.map(({ call }) => call.position)).toEqual(ITEMS.map(({ position }) => position));
  expect(await world.charged()).toBe(world.invoiced());
  expect(purse.leftNanoUsd).toBe(100_000_000 - world.invoiced());
});

test('an item whose money could not be held for a moment is not lost', async () => {
  let left = 1;
  const ledgerOf = (ledger: Ledger): Ledger =>
    new Proxy(ledger, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name !== 'charge') return value.bind(target) as unknown;
        return async (charges: readonly Charge[]) => {
          if (left > 0) {
            left -= 1;
            throw new FarthingError('store-unavailable', 'down', { retryable: true });
          }
          return ledger.charge(charges);
        };
      },
    });
  const { run } = stage({ ledgerOf });
  const jobs = await collected(run(ITEMS));
  expect(left).toBe(0);
  expect(jobs.map(({ call }) => call.position)).toEqual(ITEMS.map(({ position }) => position));
});

test('items that the purse cannot pay fail, each at its place, and leave nothing that waits', async () => {
  const purse = new RunPurse(nanoUsd(1000), nanoUsd(0), () => undefined);
  const { world, run } = stage({}, purse);
  const jobs = await collected(run(ITEMS));
  expect(jobs.map(({ result }) => result?.outcome)).toEqual(ITEMS.map(() => 'budget-spent'));
  expect((await world.all()).length).toBe(ITEMS.length);
});
