// CPU of a hit and of a write in the tier on disk, in clear and encrypted. Run: npx -c 'node bench/encrypted-cache.bench.ts'
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CacheStore } from '../src/ports/cache-store.ts';
import { encryptedCacheStore } from '../src/stores/encrypted/encrypted-cache-store.ts';
import { SqliteCacheStore } from '../src/stores/sqlite/sqlite-cache-store.ts';
import { testCacheEntry, testCacheKey } from '../src/testing/cache-store-conformance.ts';
import { machineNote } from './support/machine.ts';
import { quantile } from './support/quantile.ts';

const ROUNDS = 11;
const ENTRIES = 500;
const SIZES_KB = [1, 4, 64];
const WORDS = 'The quick brown fox jumps over the lazy dog, "quoted" and\nnew lined, '.split(' ');

const clock = { nowMs: () => 1000, monotonicMs: () => performance.now() };

/** Text that compresses about as well as an answer does. */
function answer(sizeBytes: number): Buffer {
  const picks = randomBytes(sizeBytes / 4);
  return Buffer.from(Array.from(picks, (pick) => WORDS[pick % WORDS.length]).join(' ')).subarray(0, sizeBytes);
}

async function cpuMicroseconds(count: number, operate: (index: number) => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let index = 0; index < count; index += 1) await operate(index); // oxlint-disable-line no-await-in-loop -- as a call does
  const used = process.cpuUsage(before);
  return (used.user + used.system) / count;
}

async function hits(store: CacheStore, rounds: number): Promise<number> {
  return cpuMicroseconds(ENTRIES * rounds, async (index) => {
    if ((await store.read(testCacheKey(index % ENTRIES))) === undefined) throw new Error('a miss');
  });
}

async function writes(store: CacheStore, sizeBytes: number): Promise<number> {
  const entry = testCacheEntry({ body: answer(sizeBytes), deleteAtMs: 1e9, staleAtMs: 1e9 });
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: ENTRIES }, (_, index) => store.write(testCacheKey(index), entry)));
  const used = process.cpuUsage(before);
  return (used.user + used.system) / ENTRIES;
}

/** One row for each way to store answers of a size, measured in turns. */
async function measure(folder: string, kilobytes: number): Promise<readonly Record<string, string>[]> {
  const keys = [randomBytes(32).toString('hex')];
  const open = (name: string, eraseDeleted: boolean): Promise<SqliteCacheStore> =>
    SqliteCacheStore.open({ path: join(folder, `${name}-${kilobytes}.db`), clock, eraseDeleted });
  const [clear, encrypted, packed] = await Promise.all([
    open('clear', false),
    open('encrypted', true),
    open('packed', true),
  ]);
  const ways = [
    { name: 'in clear', store: clear as CacheStore, hit: [] as number[], write: [] as number[] },
    { name: 'encrypted', store: encryptedCacheStore(encrypted, { keys }), hit: [], write: [] },
    {
      name: 'compressed and encrypted',
      store: encryptedCacheStore(packed, { keys, compress: true }),
      hit: [],
      write: [],
    },
  ];
  for (let round = -2; round < ROUNDS; round += 1) {
    for (const { store, hit, write } of round % 2 === 0 ? ways : ways.toReversed()) {
      const samples = [await writes(store, kilobytes * 1000), await hits(store, 4)] as const; // oxlint-disable-line no-await-in-loop -- interleaved
      if (round < 0) continue; // warms up
      write.push(samples[0]);
      hit.push(samples[1]);
    }
  }
  await Promise.all(ways.map(({ store }) => store.close()));
  return ways.map(({ name, hit, write }) => ({
    body: `${kilobytes} KB`,
    store: name,
    'CPU µs/hit': quantile(hit, 0.5).toFixed(1),
    'CPU µs/write': quantile(write, 0.5).toFixed(1),
  }));
}

const machine = machineNote();
const folder = mkdtempSync(join(tmpdir(), 'farthing-bench-'));
const table: Record<string, string>[] = [];
try {
  // oxlint-disable-next-line no-await-in-loop -- one size after the other: they must not disturb each other
  for (const kilobytes of SIZES_KB) table.push(...(await measure(folder, kilobytes)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `Node ${machine.node}, ${machine.cpus}, load before ${machine.loadBefore}; writes are of ${ENTRIES} at once`,
);
console.table(table);
