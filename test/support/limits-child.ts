// A process that makes calls under limits which it shares with others through a file, until it is told to stop or dies.
// Every line on its standard output is a call that was let in: when it was let in and when it ended, in Unix milliseconds.
import { setTimeout as delay } from 'node:timers/promises';
import { isFarthingError } from '../../src/core/errors.ts';
import type { Caller } from '../../src/core/model/caller.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import { CallLimiter } from '../../src/middleware/limits/call-limiter.ts';
import { openSqliteLimitStore } from '../../src/stores/sqlite/sqlite-limit-store.ts';

const [path = '', maxConcurrent = '1', requestsPerMinute = '1'] = process.argv.slice(2);
const LANES = 3;

const store = await openSqliteLimitStore(path);
const limiter = new CallLimiter({
  store,
  projects: new Map(),
  ownerId: String(process.pid),
  clock: systemClock,
  random: systemRandom,
  events: { emit: () => undefined },
});
const limits = { maxConcurrent: Number(maxConcurrent), requestsPerMinute: Number(requestsPerMinute) };
const caller: Caller = { project: 'p', keyId: 'k', limits };
const state = { isOver: false };
process.stdin.once('data', () => {
  state.isOver = true;
});

async function call(): Promise<void> {
  try {
    const admission = await limiter.admit(caller, 0);
    const from = systemClock.nowMs();
    await delay(systemRandom.fraction() * 4);
    process.stdout.write(`${from} ${systemClock.nowMs()}\n`); // a pipe is written before this returns
    admission.settle(1);
  } catch (error) {
    if (!isFarthingError(error)) throw error;
    await delay(1 + systemRandom.fraction() * 4);
  }
}

async function lane(): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- a lane is one client
  while (!state.isOver) await call();
}

process.stdout.write('ready\n');
await Promise.all(Array.from({ length: LANES }, () => lane()));
await limiter.close();
await store.close();
process.exit(0);
