import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock, Random } from '../ports/clock.ts';

/** The machine's clock. @public */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

const POOL_BYTES = 4096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** Cryptographic randomness, drawn in blocks so that an id costs no system call. @public */
export const systemRandom: Random = {
  hex(length) {
    const sizeBytes = Math.ceil(length / 2);
    if (sizeBytes > POOL_BYTES) throw new RangeError(`at most ${POOL_BYTES * 2} digits at a time`);
    if (used + sizeBytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += sizeBytes;
    return pool.toString('hex', used - sizeBytes, used).slice(0, length);
  },
  fraction: () => Number.parseInt(systemRandom.hex(12), 16) / 2 ** 48,
};
