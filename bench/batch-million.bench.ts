// A million prompts through the batch processor, live, in flat memory; and fewer of them killed at random points and taken up again.
// Run: npx -c 'node bench/batch-million.bench.ts [--items 1000000] [--kill-items 50000] [--kills 10] [--concurrency 16] [out.json]'
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { plainTable } from '../src/cli/plain-table.ts';
import { readJournalLine } from '../src/client/batch/journal-line.ts';
import { preparedItem } from '../src/client/batch/prepared-item.ts';
import type { BatchSummary } from '../src/client/batch/run-tally.ts';
import { seededRandom } from '../src/simulator/seeded-random.ts';
import { buildPackage } from './support/built-package.ts';
import { machineNote } from './support/machine.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    items: { type: 'string', default: '1000000' },
    'kill-items': { type: 'string', default: '50000' },
    kills: { type: 'string', default: '10' },
    concurrency: { type: 'string', default: '16' },
  },
});
const items = Number(flags.items);
const killItems = Number(flags['kill-items']);
const kills = Number(flags.kills);

const CHILD = join(import.meta.dirname, 'support/batch-run-child.ts');
/** The bar of the issue, all of the process: engine, ledger's writer, simulated provider. */
const MAX_RSS_BYTES = 200_000_000;
const SEED = 7;
const RUN_MODEL = 'openai/gpt-5.4-mini';
/** Short answers: what is measured is the run, and not the simulator's prose. */
const RUN_MAX_OUTPUT_TOKENS = 16;
/**
 * Bounds of V8's heap in a run, in megabytes. Without them it grows for as long as nothing holds it back, whatever is alive in it; within them a run shows that
 * what it holds is bounded: one that held on to its items would die.
 */
const HEAP_FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=2'] as const;
/** Points of the memory's course that are kept. */
const COURSE_POINTS = 11;

type RunChild = ChildProcessByStdio<null, Readable, null>;

interface ChildFigures {
  readonly summary: BatchSummary;
  readonly memory: readonly { readonly done: number; readonly rssBytes: number }[];
  readonly maxRssBytes: number;
}

const machine = machineNote();
const built = buildPackage();
const folder = mkdtempSync(join(tmpdir(), 'farthing-million-'));
try {
  const flat = await flatRun();
  const killed = kills === 0 ? undefined : await killedRuns();
  const report = { machine, items, heapFlags: HEAP_FLAGS, mallocArenas: 1, flat, killed };
  const path = positionals[0] ?? join(import.meta.dirname, 'results/batch-million.json');
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(`${tableOf(flat, killed)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface FlatFigures {
  readonly answered: number;
  readonly linesInOrder: number;
  readonly seconds: number;
  readonly itemsPerSecond: number;
  readonly maxRssMb: number;
  readonly rssCourse: readonly { readonly done: number; readonly rssMb: number }[];
}

async function flatRun(): Promise<FlatFigures> {
  const input = join(folder, 'all.txt');
  await writePrompts(input, items);
  const startedAt = performance.now();
  const child = startChild(input, join(folder, 'all.jsonl'), join(folder, 'all-data'));
  const figures = await ended(child);
  const seconds = (performance.now() - startedAt) / 1000;
  const inOrder = await linesInOrder(join(folder, 'all.jsonl'));
  const step = Math.max(1, Math.floor(figures.memory.length / (COURSE_POINTS - 1)));
  return {
    answered: figures.summary.answered,
    linesInOrder: inOrder,
    seconds: Math.round(seconds),
    itemsPerSecond: Math.round(items / seconds),
    maxRssMb: Math.round(figures.maxRssBytes / 1e5) / 10,
    rssCourse: figures.memory
      .filter((_, index) => index % step === 0)
      .map(({ done, rssBytes }) => ({ done, rssMb: Math.round(rssBytes / 1e5) / 10 })),
  };
}

interface KilledFigures {
  readonly items: number;
  readonly kills: number;
  /** Answers that were durable when the process was killed, and were asked for again later. */
  readonly askedAgain: number;
  /** Requests beyond one an item: what was in flight at the kills. */
  readonly extraRequests: number;
  readonly linesInOrder: number;
  readonly sameAnswersAsUninterrupted: boolean;
  readonly sameBytesWhenRepeated: boolean;
}

async function killedRuns(): Promise<KilledFigures> {
  const input = join(folder, 'killed.txt');
  const output = join(folder, 'killed.jsonl');
  await writePrompts(input, killItems);
  const random = seededRandom(SEED);
  const points = Array.from({ length: kills }, () => Math.ceil(random.fraction() * (killItems - 1))).toSorted(
    (one, other) => one - other,
  );
  let askedAgain = 0;
  let requestsBefore = 0;
  let kept = new Set<string>();
  for (const point of points) {
    const child = startChild(input, output, join(folder, 'killed-data'));
    // oxlint-disable-next-line no-await-in-loop -- one life after the other
    await doneReached(child, point);
    child.kill('SIGKILL');
    // oxlint-disable-next-line no-await-in-loop
    await once(child, 'close');
    const asked = askedItems(output);
    askedAgain += asked.slice(requestsBefore).filter((item) => kept.has(item)).length;
    requestsBefore = asked.length;
    kept = journalledItems(output);
  }
  await ended(startChild(input, output, join(folder, 'killed-data')));
  const asked = askedItems(output);
  askedAgain += asked.slice(requestsBefore).filter((item) => kept.has(item)).length;
  renameSync(output, `${output}.first`);
  await ended(startChild(input, output, join(folder, 'killed-data')));
  const plain = join(folder, 'plain.jsonl');
  await ended(startChild(input, plain, join(folder, 'plain-data')));
  return {
    items: killItems,
    kills: points.length,
    askedAgain,
    extraRequests: askedItems(output).length - killItems,
    linesInOrder: await linesInOrder(output),
    sameAnswersAsUninterrupted: contentsOf(output) === contentsOf(plain),
    sameBytesWhenRepeated: readFileSync(output).equals(readFileSync(`${output}.first`)),
  };
}

function startChild(input: string, output: string, data: string): RunChild {
  const words = [input, output, data, flags.concurrency, RUN_MODEL, String(RUN_MAX_OUTPUT_TOKENS)];
  return spawn(process.execPath, [...HEAP_FLAGS, CHILD, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // As the container image has it: with many arenas what was freed in one is not used in another.
    env: { ...process.env, BENCH_BUILD: built, MALLOC_ARENA_MAX: '1' },
  });
}

/** Resolves when so many results were handed out, or the child has ended. */
async function doneReached(child: RunChild, point: number): Promise<void> {
  for await (const line of createInterface({ input: child.stdout })) {
    const { done } = JSON.parse(line) as { readonly done?: number };
    if (done === undefined || done >= point) return;
  }
}

async function ended(child: RunChild): Promise<ChildFigures> {
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) last = line;
  const figures = JSON.parse(last) as Partial<ChildFigures>;
  if (figures.summary === undefined) throw new Error('a run ended before its end');
  return figures as ChildFigures;
}

function promptOf(index: number): string {
  return `This is item ${index}: say which colour ${index} has, and why you think so.`;
}

async function writePrompts(path: string, count: number): Promise<void> {
  await pipeline(function* prompts() {
    for (let index = 0; index < count; index += 1) {
      yield `${promptOf(index)}\n`;
    }
  }, createWriteStream(path));
}

/** How many lines follow each other by number, from the first. */
async function linesInOrder(path: string): Promise<number> {
  let expected = 1;
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const { line, content } = JSON.parse(text) as { readonly line: number; readonly content: string | null };
    if (line !== expected || content === null) break;
    expected += 1;
  }
  return expected - 1;
}

function contentsOf(path: string): string {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => String((JSON.parse(line) as { readonly content: unknown }).content)).join('\n');
}

function askedItems(output: string): readonly string[] {
  return readFileSync(`${output}.asked`, 'utf8').trimEnd().split('\n');
}

/** Items whose answers are durable, by their numbers. */
function journalledItems(output: string): Set<string> {
  const numbers = numbersByHash();
  const lines = readFileSync(`${output}.journal`, 'utf8').split('\n');
  const answered = lines.flatMap((line) => {
    const entry = readJournalLine(line);
    return entry?.kind === 'answer' ? [entry.hashHex] : [];
  });
  return new Set(answered.map((hashHex) => numbers.get(hashHex) ?? 'unknown'));
}

function numbersByHash(): ReadonlyMap<string, string> {
  const settings = {
    model: RUN_MODEL,
    system: undefined,
    maxOutputTokens: RUN_MAX_OUTPUT_TOKENS,
    temperature: undefined,
    protocolOf: () => 'openai' as const,
  };
  const entries = Array.from({ length: killItems }, (_, index) => {
    const item = preparedItem(promptOf(index), index, settings);
    return [item.kind === 'item' ? item.hashHex : '', String(index)] as const;
  });
  return new Map(entries);
}

function tableOf(flat: FlatFigures, killed: KilledFigures | undefined): string {
  const { answered, linesInOrder: inOrder, seconds, itemsPerSecond, maxRssMb } = flat;
  const rows = [
    ['items answered', String(answered), String(items)],
    ['result lines in order', String(inOrder), String(items)],
    ['memory at its highest (RSS), MB', String(maxRssMb), `<= ${MAX_RSS_BYTES / 1e6}`],
    ['seconds', String(seconds), ''],
    ['items a second', String(itemsPerSecond), ''],
  ];
  if (killed !== undefined) {
    rows.push(
      [`kept answers asked again, over ${killed.kills} kills`, String(killed.askedAgain), '0'],
      ['requests in flight at the kills, made again', String(killed.extraRequests), ''],
      ['result lines in order after the kills', String(killed.linesInOrder), String(killed.items)],
      ['the same answers as without kills', String(killed.sameAnswersAsUninterrupted), 'true'],
      ['the same bytes when repeated', String(killed.sameBytesWhenRepeated), 'true'],
    );
  }
  return plainTable(['figure', 'measured', 'bar'], rows, { align: ['left', 'right', 'right'] });
}
