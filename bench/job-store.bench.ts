// What keeping deferred calls costs, on SQLite and on Postgres: adding, forming batches, listing, settling, and looking for work.
// Run: npx -c 'node bench/job-store.bench.ts [--jobs 100000]'
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { JobQuery, Jobs } from '../src/ports/job-store.ts';
import { openPostgresJobStore } from '../src/stores/postgres/postgres-job-store.ts';
import { openSqliteJobStore } from '../src/stores/sqlite/sqlite-job-store.ts';
import { sampleBatch, sampleJob, sampleJobResult } from '../src/testing/sample-jobs.ts';
import { startPostgres, whyNoPostgres } from '../test/support/postgres-server.ts';
import { machineNote } from './support/machine.ts';

const { values: options } = parseArgs({ options: { jobs: { type: 'string', default: '100000' } } });
const JOBS = Number(options.jobs);
const PAGE = 1_000;
const RUN = 'run_bench';
const BODY = JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'x'.repeat(950) }] });
const LEASE = { workerId: 'bench', nowMs: 2e12, leaseMs: 60_000 };
const ROOM = { maxRequests: 50_000, maxBytes: 2e8, maxInputTokens: 1e12, lineBytes: 100 };

interface Step {
  readonly store: string;
  readonly step: string;
  readonly items: number;
  readonly ms: number;
  readonly cpuMs: number;
}

async function measure(store: string, step: string, work: () => Promise<number>): Promise<Step> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const items = await work();
  const ms = Math.round(performance.now() - startMs);
  const { user, system } = process.cpuUsage(cpu);
  return { store, step, items, ms, cpuMs: Math.round((user + system) / 1000) };
}

/** Ids as unordered as real ones. */
function idOf(position: number): string {
  return `call_${((position * 2_654_435_761) % 4_294_967_296).toString(36)}${position.toString(36)}`;
}

async function addAll(jobs: Jobs): Promise<number> {
  for (let start = 0; start < JOBS; start += PAGE) {
    const page = Array.from({ length: Math.min(PAGE, JOBS - start) }, (_, index) => {
      const position = start + index;
      return sampleJob({
        callId: idOf(position),
        run: RUN,
        position,
        atMs: 1e12 + start,
        body: BODY,
        inputTokens: 300,
      });
    });
    await jobs.add(page); // oxlint-disable-line no-await-in-loop -- in their order
  }
  return JOBS;
}

/** Reads all pages of a list. */
async function listAll(jobs: Jobs, query: Omit<JobQuery, 'limit'>, settles: boolean): Promise<number> {
  let after: JobQuery['after'];
  let items = 0;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- pages follow each other
    const page = await jobs.list({ ...query, limit: PAGE, ...(after === undefined ? {} : { after }) });
    const last = page.at(-1)?.call;
    if (last === undefined) return items;
    items += page.length;
    after = { position: last.position, callId: last.callId };
    if (!settles) continue;
    const set = { state: 'done', result: sampleJobResult({ body: BODY }) } as const;
    await jobs.update(page.map(({ call, version }) => ({ callId: call.callId, version, set }))); // oxlint-disable-line no-await-in-loop -- a page at a time
  }
}

async function lookForWork(jobs: Jobs): Promise<number> {
  for (let round = 0; round < 100; round += 1) {
    await jobs.queues(); // oxlint-disable-line no-await-in-loop -- as a worker does every second
    await jobs.leaseLive(LEASE, 100); // oxlint-disable-line no-await-in-loop -- as a worker does every second
    await jobs.leaseBatch(LEASE); // oxlint-disable-line no-await-in-loop -- as a worker does every second
  }
  return 100;
}

async function measureStore(store: string, jobs: Jobs): Promise<readonly Step[]> {
  const form = async (batchId: string): Promise<number> => {
    const batch = await jobs.form(sampleBatch({ batchId, run: RUN }), ROOM, LEASE);
    return batch?.requests ?? 0;
  };
  const steps: readonly (readonly [step: string, work: () => Promise<number>])[] = [
    ['add, 1,000 at a time', () => addAll(jobs)],
    ['look for work, all waiting', () => lookForWork(jobs)],
    ['form one batch', () => form('fb_bench1')],
    ['list the batch', () => listAll(jobs, { batchId: 'fb_bench1' }, false)],
    ['list the run', () => listAll(jobs, { run: RUN }, false)],
    ['settle the batch, 1,000 at a time', () => listAll(jobs, { batchId: 'fb_bench1' }, true)],
    ['form what is left', () => form('fb_bench2')],
    ['settle that', () => listAll(jobs, { batchId: 'fb_bench2' }, true)],
    ['look for work, all done', () => lookForWork(jobs)],
  ];
  const found: Step[] = [];
  for (const [step, work] of steps) found.push(await measure(store, step, work)); // oxlint-disable-line no-await-in-loop -- one at a time
  return found;
}

async function onSqlite(): Promise<readonly Step[]> {
  const folder = mkdtempSync(join(tmpdir(), 'job-store-bench-'));
  const jobs = await openSqliteJobStore(join(folder, 'jobs.db'));
  try {
    return await measureStore('sqlite', jobs);
  } finally {
    await jobs.close();
    rmSync(folder, { recursive: true });
  }
}

async function onPostgres(): Promise<readonly Step[]> {
  if (whyNoPostgres() !== undefined) return [];
  const server = await startPostgres();
  try {
    const jobs = await openPostgresJobStore({ url: await server.createDatabase() });
    const steps = await measureStore('postgres', jobs);
    await jobs.close();
    return steps;
  } finally {
    await server.close();
  }
}

const steps = [...(await onSqlite()), ...(await onPostgres())];
// CPU of this process; that of a Postgres server is not in it.
console.table(steps);
// Others' work on the machine shows in the wall times.
const loadAverage = Math.round(loadavg()[1] ?? 0);
const result = { machine: machineNote(), loadAverage, jobs: JOBS, bodyBytes: BODY.length, steps };
await writeFile(new URL('results/job-store.json', import.meta.url), `${JSON.stringify(result, undefined, 2)}\n`);
