import { setTimeout as delay } from 'node:timers/promises';
import { isLocked, storeFault } from './sqlite-database.ts';

/** How long work waits for another process's write, in milliseconds; each takes microseconds. */
const BUSY_TIMEOUT_MS = 200;

/** Pause between two tries, in milliseconds. SQLite's own waiting would hold the event loop. */
const BUSY_PAUSE_MS = 2;

/**
 * Does work on a database whose busy timeout is 0, trying again while another process writes.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function whenFree<Result>(work: () => Result, what: string): Promise<Result> {
  for (let waitedMs = 0; ; waitedMs += BUSY_PAUSE_MS) {
    try {
      return work();
    } catch (error) {
      if (waitedMs >= BUSY_TIMEOUT_MS || !isLocked(error)) throw storeFault(what, error);
    }
    // oxlint-disable-next-line no-await-in-loop -- the next try must come after the wait
    await delay(BUSY_PAUSE_MS);
  }
}
