import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { fakeCall, frame, NotingReceiver } from '../../../test/support/fake-call.ts';
import { FarthingError } from '../../core/errors.ts';
import type { CacheKey } from '../../core/model/cache-entry.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import type { LeaseStore } from '../../ports/lease-store.ts';
import { SqliteCacheStore } from '../../stores/sqlite/sqlite-cache-store.ts';
import { openSqliteLeaseStore } from '../../stores/sqlite/sqlite-lease-store.ts';
import { testCacheEntry, testCacheKey } from '../../testing/cache-store-conformance.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { Call, Outcome } from '../compose.ts';
import { coalesceMiddleware } from './coalesce.ts';

const HEAD = { status: 200, headers: {}, form: 'whole' } as const;
const KEY = 'key' as CacheKey;
const STORED_KEY = testCacheKey(1);
const complete: Outcome = { kind: 'complete', facts: undefined };

let folder: string;
let clock: FakeClock;
let leases: LeaseStore;
let events: EngineEvent[];
/** What all processes find in the cache. */
let cached: string | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-flights-'));
  clock = new FakeClock();
  leases = await openSqliteLeaseStore({ path: join(folder, 'leases.db'), clock });
  events = [];
  cached = undefined;
});
afterEach(async () => {
  await leases.close();
  await rm(folder, { recursive: true, force: true });
});

interface FakeProcess {
  /** Attempts that it made. */
  readonly attempts: Call[];
  /** Ends its attempt: with an answer in the cache, or with a refusal. */
  settle: (outcome: Outcome | Error, answer?: string) => void;
  ask(id: string, signal?: AbortSignal): { readonly receiver: NotingReceiver; readonly outcome: Promise<Outcome> };
}

/** The step as one process has it. */
function startProcess(
  ownerId: string,
  leaseStore: LeaseStore = leases,
  settled = Promise.resolve(),
  cacheStore?: SqliteCacheStore,
): FakeProcess {
  const { handle } = coalesceMiddleware({
    bufferBytes: 1000,
    leases: {
      leaseStore,
      ownerId,
      settled: () => settled,
      refresh: () => cacheStore?.refresh(),
      events: { emit: (event) => void events.push(event) },
      clock: { nowMs: () => clock.nowMs(), monotonicMs: () => performance.now() },
      answer: async ({ receiver, state }) => {
        const isStored = (await cacheStore?.read(STORED_KEY)) !== undefined;
        if (cached === undefined && !isStored) return false;
        state.cacheStatus = 'collapsed';
        answerWith(receiver, cached ?? 'stored');
        return true;
      },
    },
  });
  const attempts: Call[] = [];
  const process: FakeProcess = {
    attempts,
    settle: () => undefined,
    ask: (id, signal) => {
      const receiver = new NotingReceiver();
      return { receiver, outcome: handle(fakeCall(id, receiver, signal), next) };
    },
  };
  function next(call: Call): Promise<Outcome> {
    attempts.push(call);
    return new Promise((resolve, reject) => {
      process.settle = (outcome, answer) => {
        if (outcome instanceof Error) return reject(outcome);
        if (answer !== undefined) answerWith(call.receiver, answer);
        cached = answer;
        return resolve(outcome);
      };
    });
  }
  return process;
}

function answerWith(receiver: NotingReceiver | Call['receiver'], text: string): void {
  receiver.head(HEAD);
  receiver.frames([frame(text)]);
  receiver.end();
}

async function soon(check: () => unknown): Promise<void> {
  await expect.poll(check, { interval: 5 }).toBeTruthy();
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

test('of several processes one asks; the others answer from the cache, marked as collapsed', async () => {
  const [one, two, three] = [startProcess('one'), startProcess('two'), startProcess('three')];
  const first = one.ask('a');
  await soon(() => one.attempts.length === 1);
  const others = [two.ask('b'), two.ask('c'), three.ask('d')];
  await pause(50);
  one.settle(complete, 'answer');
  const outcomes = await Promise.all([first, ...others].map((asked) => asked.outcome));
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(Array(4).fill('complete'));
  expect([first, ...others].map((asked) => asked.receiver.text)).toEqual(Array(4).fill('answer'));
  expect([two.attempts, three.attempts]).toEqual([[], []]);
});

test.each([
  ['was refused', new FarthingError('forbidden', 'over budget')],
  ['brought nothing that may be stored', complete],
] as const)('when the attempt of one process %s, the next takes the lease and asks', async (_what, ending) => {
  const [one, two] = [startProcess('one'), startProcess('two')];
  const first = one.ask('a');
  first.outcome.catch(() => undefined);
  await soon(() => one.attempts.length === 1);
  const second = two.ask('b');
  await pause(30);
  expect(two.attempts).toEqual([]);
  one.settle(ending);
  if (ending === complete) one.attempts[0]?.receiver.end();
  await soon(() => two.attempts.length === 1);
  two.settle(complete, 'answer');
  await second.outcome;
  expect(second.receiver.text).toBe('answer');
});

test('the lease of a process that died lapses, and the next asks', async () => {
  await leases.acquire(KEY, 'dead', 5000);
  const living = startProcess('living');
  const asked = living.ask('a');
  await pause(50);
  expect(living.attempts).toEqual([]);
  clock.advance(5001);
  await soon(() => living.attempts.length === 1);
  living.settle(complete, 'answer');
  await asked.outcome;
});

test('an answer that came between the look-up and the lease is not asked for again', async () => {
  cached = 'answer';
  const { ask, attempts } = startProcess('one');
  const asked = ask('a');
  expect(await asked.outcome).toEqual(complete);
  expect([asked.receiver.text, attempts.length]).toEqual(['answer', 0]);
  await soon(() => leases.acquire(KEY, 'other', 100));
});

test('the lease is given back only when other processes can find the answer', async () => {
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const one = startProcess('one', leases, settled);
  const asked = one.ask('a');
  await soon(() => one.attempts.length === 1);
  one.settle(complete, 'answer');
  await asked.outcome;
  expect(await leases.acquire(KEY, 'other', 5000)).toBe(false);
  settle();
  await soon(() => leases.acquire(KEY, 'other', 5000));
});

test('a client that leaves while it waits for another process asks nobody', async () => {
  await leases.acquire(KEY, 'other', 60_000);
  const waiting = startProcess('one');
  const leave = new AbortController();
  const asked = waiting.ask('a', leave.signal);
  await pause(20);
  leave.abort();
  expect(await asked.outcome).toMatchObject({ kind: 'client-left', neverSent: true });
  expect(waiting.attempts).toEqual([]);
});

test.each([
  ['fails', () => Promise.reject(new Error('the disk is gone'))],
  ['hangs', () => new Promise<never>(() => undefined)],
])('a lease store that %s is reported once, and the calls are made', async (_what, acquire) => {
  const one = startProcess('one', { acquire, release: () => Promise.resolve(), close: () => Promise.resolve() });
  for (const id of ['a', 'b']) {
    cached = undefined;
    const asked = one.ask(id);
    await soon(() => one.attempts.at(-1)?.id === id);
    one.settle(complete, 'answer');
    await asked.outcome;
    expect(asked.receiver.text).toBe('answer');
  }
  expect(events).toEqual([expect.objectContaining({ kind: 'store-failed', store: 'leases', operation: 'acquire' })]);
});

test('a call that may not be shared takes no lease', async () => {
  const asked: string[] = [];
  const acquire = async (name: string): Promise<boolean> => asked.push(name) > 0;
  const leaseStore = { acquire, release: () => Promise.resolve(), close: () => Promise.resolve() };
  const { handle } = coalesceMiddleware({
    bufferBytes: 1000,
    leases: {
      leaseStore,
      ownerId: 'one',
      settled: () => Promise.resolve(),
      refresh: () => undefined,
      events: { emit: () => undefined },
      clock,
      answer: async () => false,
    },
  });
  const call = fakeCall('a', new NotingReceiver());
  call.state.mayShare = false;
  expect(await handle(call, async () => complete)).toEqual(complete);
  expect(asked).toEqual([]);
});

test('who takes the lease sees the answer that was stored before, though its view of the file is older', async () => {
  const path = join(folder, 'cache.db');
  const [writing, reading] = [
    await SqliteCacheStore.open({ path, clock }),
    await SqliteCacheStore.open({ path, clock }),
  ];
  onTestFinished(() => Promise.all([writing.close(), reading.close()]).then(() => undefined));
  expect(await leases.acquire(KEY, 'one', 5000)).toBe(true);
  const late: LeaseStore = {
    ...leases,
    acquire: async (name, holderId, lengthMs) => {
      await reading.read(testCacheKey(2)); // from here on its reads share this view
      await writing.write(STORED_KEY, testCacheEntry({ deleteAtMs: Number.MAX_SAFE_INTEGER }));
      await leases.release(KEY, 'one');
      return leases.acquire(name, holderId, lengthMs);
    },
    release: (name, holderId) => leases.release(name, holderId),
  };
  const two = startProcess('two', late, undefined, reading);
  const { receiver } = two.ask('a');
  await soon(() => receiver.text !== '' || two.attempts.length > 0);
  expect([receiver.text, two.attempts]).toEqual(['stored', []]);
});
