// A million prompts through `farthing batch run`, live, in flat memory; and fewer of them killed at random points and taken up again.
// The provider is a stub in a process of its own: what is measured is the command's process alone. Only on Linux (/proc).
// Run: npx -c 'node bench/batch-million.bench.ts [--items 1000000] [--shape lines|requests] [--kill-items 50000] [--kills 10] [--concurrency 64] [out.json]'
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { plainTable } from '../src/cli/plain-table.ts';
import { readJournalLine } from '../src/client/batch/journal-line.ts';
import { seededRandom } from '../src/simulator/seeded-random.ts';
import { answeredItem, askedCount, askedItems, inputLine, type InputShape, isAnswerTo } from './support/batch-items.ts';
import { type MemoryLook, type RunFigures, startRun, watchRun } from './support/batch-run-process.ts';
import { type BenchProcess, startScript } from './support/bench-process.ts';
import { buildPackage } from './support/built-package.ts';
import { machineNote } from './support/machine.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    items: { type: 'string', default: '1000000' },
    shape: { type: 'string', default: 'lines' },
    'kill-items': { type: 'string', default: '50000' },
    kills: { type: 'string', default: '10' },
    concurrency: { type: 'string', default: '64' },
  },
});
const items = Number(flags.items);
const shape: InputShape = flags.shape === 'requests' ? 'requests' : 'lines';
const killItems = Number(flags['kill-items']);
const kills = Number(flags.kills);
const concurrency = Number(flags.concurrency);

/** The bar of the issue: the run's process at its highest. */
const MAX_RSS_BYTES = 200_000_000;
const SEED = 7;
const MODEL = 'openai/gpt-5.4-mini';
/** Points of the memory's course that are kept. */
const COURSE_POINTS = 20;
/** How soon a run that has come to its point is killed. */
const KILL_LOOK_MS = 5;

const machine = machineNote();
const built = buildPackage();
const folder = mkdtempSync(join(tmpdir(), 'farthing-million-'));
try {
  const flat = items === 0 ? undefined : await flatRun();
  // Kept before what follows: it took the longest.
  writeReport(flat, undefined);
  const killed = kills === 0 ? undefined : await killedRuns();
  writeReport(flat, killed);
  process.stdout.write(`${tableOf(flat, killed)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function writeReport(flat: FlatFigures | undefined, killed: KilledFigures | undefined): void {
  const path = positionals[0] ?? join(import.meta.dirname, 'results/batch-million.json');
  const report = { machine, items, shape, concurrency, flat, killed };
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

interface CoursePoint {
  /** Requests that the provider had got. */
  readonly asked: number;
  readonly rssMb: number;
  readonly anonymousMb: number;
}

interface FlatFigures {
  readonly exitCode: number | null;
  /** Lines of results that answer their item, from the first, without a gap. */
  readonly linesInOrder: number;
  readonly requests: number;
  readonly seconds: number;
  readonly itemsPerSecond: number;
  readonly cpuSeconds: number;
  readonly cpuMicrosecondsAnItem: number;
  readonly maxRssMb: number;
  /** While the input was read through, before the first request. */
  readonly surveyMaxRssMb: number;
  readonly course: readonly CoursePoint[];
}

async function flatRun(): Promise<FlatFigures> {
  const place = await placeOf('flat', items, shape);
  const looks: (MemoryLook & { readonly asked: number })[] = [];
  const run = startRun({ built, ...place, model: MODEL, concurrency });
  const figures = await watchRun(run, (look) => void looks.push({ ...look, asked: askedCount(place.asked) }));
  await place.provider.stop();
  const asked = askedCount(place.asked);
  const inOrder = await linesInOrder(place.results);
  return {
    exitCode: figures.exitCode,
    linesInOrder: inOrder,
    requests: asked,
    ...roundedOf(figures),
    surveyMaxRssMb: megabytes(looks.findLast((look) => look.asked === 0)?.maxRssBytes ?? 0),
    course: courseOf(looks),
  };
}

function roundedOf({
  seconds,
  cpuSeconds,
  maxRssBytes,
}: RunFigures): Omit<FlatFigures, 'exitCode' | 'linesInOrder' | 'requests' | 'surveyMaxRssMb' | 'course'> {
  return {
    seconds: Math.round(seconds),
    itemsPerSecond: Math.round(items / seconds),
    cpuSeconds: Math.round(cpuSeconds * 10) / 10,
    cpuMicrosecondsAnItem: Math.round((cpuSeconds * 1e6) / items),
    maxRssMb: megabytes(maxRssBytes),
  };
}

/** The highest in each of equal parts of the items: a course of single looks would show what garbage happened to lie there. */
function courseOf(looks: readonly (MemoryLook & { readonly asked: number })[]): readonly CoursePoint[] {
  const parts = Array.from({ length: COURSE_POINTS }, (_, part) =>
    looks.filter(({ asked }) => asked > 0 && Math.ceil((asked / items) * COURSE_POINTS) === part + 1),
  );
  return parts.flatMap((part) => {
    const highest = part.toSorted((one, other) => other.rssBytes - one.rssBytes)[0];
    if (highest === undefined) return [];
    const { asked, rssBytes, anonymousBytes } = highest;
    return [{ asked, rssMb: megabytes(rssBytes), anonymousMb: megabytes(anonymousBytes) }];
  });
}

interface KilledFigures {
  readonly items: number;
  readonly kills: number;
  /** Answers that were in the journal when the process was killed, and were asked for again later. */
  readonly askedAgain: number;
  /** Requests beyond one an item that followed each kill: what was in flight. */
  readonly extraRequests: readonly number[];
  readonly exitCode: number | null;
  readonly linesInOrder: number;
  readonly maxRssMb: number;
}

/** Of OpenAI's batch lines, whatever the flat run is over: both ways in are gone through. */
async function killedRuns(): Promise<KilledFigures> {
  const place = await placeOf('killed', killItems, 'requests');
  const random = seededRandom(SEED);
  const points = Array.from({ length: kills }, () => Math.ceil(random.fraction() * (killItems - 1)));
  let askedAgain = 0;
  let before = 0;
  let kept: ReadonlySet<number> = new Set();
  const answeredTwice: number[] = [];
  const noteLife = (): void => {
    const asked = askedItems(place.asked);
    askedAgain += asked.slice(before).filter((item) => kept.has(item)).length;
    answeredTwice.push(asked.length - new Set(asked).size);
    before = asked.length;
  };
  for (const point of points.toSorted((one, other) => one - other)) {
    const run = startRun({ built, ...place, model: MODEL, concurrency });
    const ended = once(run, 'exit');
    // oxlint-disable-next-line no-await-in-loop -- one life after the other
    while (run.exitCode === null && askedCount(place.asked) < point) await sleep(KILL_LOOK_MS);
    run.kill('SIGKILL');
    // oxlint-disable-next-line no-await-in-loop
    await ended;
    noteLife();
    kept = journalledItems(`${place.results}.journal`);
  }
  const last = await watchRun(startRun({ built, ...place, model: MODEL, concurrency }), () => undefined);
  noteLife();
  await place.provider.stop();
  return {
    items: killItems,
    kills: points.length,
    askedAgain,
    extraRequests: answeredTwice.slice(1).map((count, life) => count - (answeredTwice[life] ?? 0)),
    exitCode: last.exitCode,
    linesInOrder: await linesInOrder(place.results),
    maxRssMb: megabytes(last.maxRssBytes),
  };
}

interface RunPlace {
  readonly input: string;
  readonly results: string;
  readonly config: string;
  /** The provider's record of what it was asked for. */
  readonly asked: string;
  readonly provider: BenchProcess;
}

/** An input, a provider and a configuration that names it, as a user has them. */
async function placeOf(name: string, count: number, shapeOfInput: InputShape): Promise<RunPlace> {
  const input = join(folder, `${name}.jsonl`);
  await pipeline(function* lines() {
    for (let item = 1; item <= count; item += 1) yield inputLine(item, shapeOfInput, MODEL);
  }, createWriteStream(input));
  const asked = join(folder, `${name}.asked`);
  writeFileSync(asked, '');
  const provider = await startScript('support/batch-stub-provider.ts', { BENCH_ASKED: asked });
  const config = join(folder, `${name}.yaml`);
  writeFileSync(
    config,
    [
      'version: 1',
      `storage: ${join(folder, `${name}-data`)}`,
      'providers:',
      '  openai:',
      '    protocol: openai',
      `    baseUrl: ${provider.origin}/v1`,
      "    apiKey: '${env:OPENAI_API_KEY}'",
      '',
    ].join('\n'),
  );
  return { input, results: join(folder, `${name}.results.jsonl`), config, asked, provider };
}

/** How many lines answer their item, from the first on. */
async function linesInOrder(path: string): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (!isAnswerTo(line, lines + 1)) break;
    lines += 1;
  }
  return lines;
}

/** Items whose answers are in a journal: the stub's answers name them. */
function journalledItems(path: string): ReadonlySet<number> {
  const bodies = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const entry = readJournalLine(line);
      return entry?.kind === 'answer' ? [entry.answer.body] : [];
    });
  return new Set(bodies.flatMap((body) => answeredItem(body) ?? []));
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}

function tableOf(flat: FlatFigures | undefined, killed: KilledFigures | undefined): string {
  const rows = [...(flat === undefined ? [] : flatRows(flat)), ...(killed === undefined ? [] : killedRows(killed))];
  return plainTable(['figure', 'measured', 'bar'], rows, { align: ['left', 'right', 'right'] });
}

function flatRows(flat: FlatFigures): readonly (readonly string[])[] {
  const course = flat.course.map(({ asked, rssMb }) => [`memory until ${asked} items, MB`, String(rssMb), '']);
  return [
    ['result lines that answer their item, in order', String(flat.linesInOrder), String(items)],
    ['requests', String(flat.requests), String(items)],
    ['memory at its highest (VmHWM), MB', String(flat.maxRssMb), `<= ${MAX_RSS_BYTES / 1e6}`],
    ['of this until the first request, MB', String(flat.surveyMaxRssMb), ''],
    ...course,
    ['seconds', String(flat.seconds), ''],
    ['items a second', String(flat.itemsPerSecond), ''],
    ['CPU an item, microseconds', String(flat.cpuMicrosecondsAnItem), ''],
  ];
}

function killedRows(killed: KilledFigures): readonly (readonly string[])[] {
  return [
    [`journalled answers asked for again, over ${killed.kills} kills`, String(killed.askedAgain), '0'],
    ['most items asked for twice after a kill', String(Math.max(...killed.extraRequests)), `<= ${concurrency}`],
    ['result lines that answer their item, after the kills', String(killed.linesInOrder), String(killed.items)],
  ];
}
