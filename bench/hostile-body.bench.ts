// How long one hostile body of a megabyte holds up the calls of others. Run: npx -c 'node bench/hostile-body.bench.ts [--quick] [FILE]'
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'undici';
import { ENDPOINTS } from '../src/core/model/protocol.ts';
import { type HostileBody, hostileBodies } from '../test/support/hostile-bodies.ts';
import { type BenchProcess, startScript } from './support/bench-process.ts';
import { buildPackage } from './support/built-package.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';
import type { LongestTurn, WatchOrder } from './support/turn-watch.ts';

const SECRET = 'fk-the-key-of-the-bench-0123456789abcdef0123456789abcdef';
/** Time from one innocent call to the next. */
const PACE_MS = 4;
/** How long others are watched after the hostile call is answered: what is written behind it holds them up, too. */
const AFTER_MS = 40;
const QUIET_MS = 400;

const { values: options, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const rounds = options.quick ? 3 : 7;

/** A body is not looked up but stored, or has nothing to do with the cache. */
const VARIANTS = { cacheable: 'no-cache', 'not cacheable': 'no-store' } as const;
type Variant = keyof typeof VARIANTS;

const budget = { limitUsd: '1000000', window: 'day', mode: 'hard' };

function configuration(folder: string, origin: string): string {
  return JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    auth: 'required',
    storage: join(folder, 'data'),
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'sk-of-the-bench' },
      anthropic: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'sk-of-the-bench' },
    },
    cache: { mode: 'all', ttl: '1h', memory: '64MB' },
    keys: [{ name: 'bench', project: 'bench', key: SECRET }],
    budgets: [
      { ...budget, name: 'everything', scope: 'all' },
      { ...budget, name: 'users', scope: 'tag:user' },
    ],
    log: { level: 'silent' },
  });
}

/** One connection to the gateway. */
class Connection {
  readonly #client: Client;

  constructor(origin: string) {
    this.#client = new Client(origin, { pipelining: 1 });
  }

  async post(path: string, body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const reply = await this.#client.request({
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}`, ...headers },
      body,
    });
    await reply.body.dump();
    return reply.statusCode;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

const INNOCENT = Buffer.from('{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"Hello"}]}');

/** Makes small calls at a steady pace until `isOver`; gives the longest time that one of them took, in milliseconds. */
async function longest(connection: Connection, isOver: () => boolean): Promise<number> {
  let longestMs = 0;
  while (!isOver()) {
    const startedAt = performance.now();
    await connection.post(ENDPOINTS.chat.clientPath, INNOCENT); // oxlint-disable-line no-await-in-loop -- one at a time
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    await delay(PACE_MS); // oxlint-disable-line no-await-in-loop -- the pace
  }
  return longestMs;
}

async function quietMs(): Promise<number> {
  const endsAt = performance.now() + QUIET_MS;
  return longest(connections.innocent, () => performance.now() > endsAt);
}

/** Watches the gateway's event loop until the function that is returned is called; it gives the longest turn, in milliseconds of CPU time. */
function watchTurns({ child }: BenchProcess): () => Promise<number> {
  const order = (word: WatchOrder): void => void child.send(word);
  order('watch');
  return () => {
    const told = new Promise<number>((resolve) => {
      child.once('message', ({ cpuMs }: LongestTurn) => resolve(cpuMs));
    });
    order('tell');
    return told;
  };
}

interface Held {
  /** The longest time that a small call beside the hostile one took. */
  readonly wallMs: number;
  /** The longest time for which the gateway did nothing else. */
  readonly cpuMs: number;
}

async function heldBy(hostile: HostileBody, variant: Variant): Promise<Held> {
  let isOver = false;
  const longestTurn = watchTurns(gateway);
  const watched = longest(connections.innocent, () => isOver);
  await delay(2 * PACE_MS);
  const headers = { ...hostile.headers, 'cache-control': VARIANTS[variant] };
  await connections.hostile.post(ENDPOINTS[hostile.endpoint].clientPath, hostile.body, headers);
  await delay(AFTER_MS);
  isOver = true;
  return { wallMs: await watched, cpuMs: await longestTurn() };
}

interface Measured {
  readonly hostile: HostileBody;
  readonly variant: Variant;
  readonly held: Held[];
}

const machine = machineNote();
const folder = await mkdtemp(join(tmpdir(), 'farthing-hostile-'));
const upstream = await startScript('support/upstream-mock.ts');
const gateway = await startScript(
  'gateway-process.ts',
  { BENCH_CONFIG: configuration(folder, upstream.origin), BENCH_BUILD: buildPackage() },
  ['--import', new URL('./support/turn-watch.ts', import.meta.url).href],
);
const connections = { innocent: new Connection(gateway.origin), hostile: new Connection(gateway.origin) };
const variants = Object.keys(VARIANTS) as Variant[];
const measured = hostileBodies().flatMap((hostile) =>
  variants.map((variant): Measured => ({ hostile, variant, held: [] })),
);
const quiet: number[] = [];
try {
  // Quiet times in between, so that a machine that is busy for a while is so for both.
  for (let round = 0; round < rounds; round += 1) {
    for (const { hostile, variant, held } of measured) held.push(await heldBy(hostile, variant));
    quiet.push(await quietMs());
  }
} finally {
  await Promise.all([connections.innocent.close(), connections.hostile.close()]);
  await gateway.stop();
  await upstream.stop();
  await rm(folder, { recursive: true, force: true });
}
const quietMiddleMs = quantile(quiet, 0.5);
const table = measured.map(({ hostile, variant, held }) => {
  const cpuMs = held.map((each) => each.cpuMs);
  const wallMs = held.map((each) => each.wallMs - quietMiddleMs);
  return {
    body: `${hostile.endpoint}, ${hostile.name}`,
    variant,
    'held CPU ms': rounded(quantile(cpuMs, 0.5), 1),
    'most CPU ms': rounded(Math.max(...cpuMs), 1),
    'delay ms': rounded(quantile(wallMs, 0.5), 1),
    'least delay ms': rounded(Math.min(...wallMs), 1),
  };
});
const sorted = table.toSorted((left, right) => right['held CPU ms'] - left['held CPU ms']);
console.log(
  `Node ${machine.node}, ${machine.cpus}, load before ${machine.loadBefore.toFixed(1)}, ${rounds} rounds, medians`,
);
console.log('held: the longest turn of the event loop, in CPU time, so that other work on the machine does not count');
console.log(
  `delay: the longest of small calls every ${PACE_MS} ms, over ${rounded(quietMiddleMs, 1)} ms in quiet times`,
);
console.table(sorted);
const result = { ...machine, rounds, quietMs: rounded(quietMiddleMs, 2), longest: sorted[0], results: table };
await writeFile(
  positionals[0] ?? new URL('./results/hostile-body.json', import.meta.url),
  `${JSON.stringify(result, undefined, 2)}\n`,
);
