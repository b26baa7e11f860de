// Hit ratio of the memory cache's S3-FIFO against a plain LRU. Run: npx -c 'node bench/s3-fifo.bench.ts [out.json]'
import { writeFileSync } from 'node:fs';
import { S3Fifo } from '../src/stores/memory/s3-fifo.ts';

const KEYS = 20_000;
const OPERATIONS = 400_000;
const SKEW = 0.9;

interface Cache {
  get(key: string): number | undefined;
  set(key: string, value: number): void;
}

class Lru implements Cache {
  readonly #maxEntries: number;
  readonly #entries = new Map<string, number>();
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }
  get(key: string): number | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }
  set(key: string, value: number): void {
    this.#entries.set(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }
}

function s3Fifo(maxEntries: number): Cache {
  const cache = new S3Fifo<number>({ maxBytes: maxEntries, maxEntries }, () => undefined);
  return { get: (key) => cache.get(key), set: (key, value) => void cache.set(key, value, 1) };
}

let seed = 42;
function fraction(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}

function zipf(): () => number {
  const sums = new Float64Array(KEYS);
  let total = 0;
  for (let index = 0; index < KEYS; index += 1) sums[index] = total += 1 / (index + 1) ** SKEW;
  return () => {
    const wanted = fraction() * total;
    let low = 0;
    let high = KEYS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const next = zipf();
const plain = Array.from({ length: OPERATIONS }, () => String(next()));
let once = 1_000_000;
/** Half of the traffic is asked once: a batch between bursts of repeats. */
const scan = Array.from({ length: OPERATIONS }, (_, index) => String(index % 6000 < 3000 ? next() : once++));
const moving = Array.from({ length: OPERATIONS }, (_, index) =>
  String((next() + Math.floor(index / 50_000) * 777) % KEYS),
);

function hitRatio(cache: Cache, trace: readonly string[]): number {
  let hits = 0;
  for (const key of trace) {
    if (cache.get(key) === undefined) cache.set(key, 1);
    else hits += 1;
  }
  return hits / trace.length;
}

const traces = [
  ['Zipf, 1000', plain, 1000],
  ['Zipf + scan, 1000', scan, 1000],
  ['moving, 1000', moving, 1000],
  ['Zipf, 200', plain, 200],
] as const;
const results: Record<string, Record<string, number>> = {};
const lines = [
  `Hit ratio, ${KEYS} keys, Zipf ${SKEW}`,
  ''.padEnd(20) + 'S3-FIFO'.padStart(10) + 'LRU'.padStart(10) + 'gain'.padStart(10),
];
for (const [name, trace, entries] of traces) {
  const fifo = hitRatio(s3Fifo(entries), trace);
  const lru = hitRatio(new Lru(entries), trace);
  results[name] = { s3Fifo: fifo, lru };
  const cells = [
    `${(100 * fifo).toFixed(1)} %`,
    `${(100 * lru).toFixed(1)} %`,
    `${(100 * (fifo / lru - 1)).toFixed(0)} %`,
  ];
  lines.push(name.padEnd(20) + cells.map((cell) => cell.padStart(10)).join(''));
}
process.stdout.write(`${lines.join('\n')}\n`);
const [, , output] = process.argv;
if (output !== undefined)
  writeFileSync(output, `${JSON.stringify({ node: process.versions.node, results }, undefined, 2)}\n`);
