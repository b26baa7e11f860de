import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobQuery } from '../../ports/job-store.ts';
import { jobStoreConformance } from '../../testing/job-store-conformance.ts';
import { sampleBatch, sampleJob, sampleJobResult } from '../../testing/sample-jobs.ts';
import { jobSelection } from './job-list.ts';
import { JOB_MIGRATIONS, JOB_READS, JOB_STATEMENTS } from './job-schema.ts';
import { openDatabase, type SqliteDatabase, type SqliteDriver } from './sqlite-database.ts';
import { openSqliteJobStore, type SqliteJobStore } from './sqlite-job-store.ts';

let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jobs-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  let stores: readonly [SqliteJobStore, SqliteJobStore];
  let database: SqliteDatabase;

  beforeAll(async () => {
    const path = nextPath();
    stores = [await openSqliteJobStore(path, driver), await openSqliteJobStore(path, driver)];
    database = await openDatabase(path, { driver });
  });
  afterAll(async () => {
    database.close();
    await Promise.all(stores.map((store) => store.close()));
  });

  const rules = jobStoreConformance(async () => {
    database.exec('DELETE FROM jobs; DELETE FROM batches; DELETE FROM lines');
    return stores;
  });
  test.each(rules)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

const LEASE = { workerId: 'a', nowMs: 5_000, leaseMs: 1_000 };
const ROOM = { maxRequests: 1_000, maxBytes: 1e9, maxInputTokens: 1e9, lineBytes: 10 };

test('jobs, results, batches and leases outlive the process that made them', async () => {
  const path = nextPath();
  const first = await openSqliteJobStore(path);
  await first.add([sampleJob(), sampleJob({ callId: 'call_2', run: 'run' })]);
  await first.form(sampleBatch(), ROOM, LEASE);
  const result = sampleJobResult();
  await first.update([{ callId: 'call_1', version: 2, set: { state: 'done', result } }]);
  const batches = await first.batches({});
  await first.close();
  const second = await openSqliteJobStore(path);
  expect(await second.read(['call_1'])).toMatchObject([{ state: 'done', result, batches: 1, version: 3 }]);
  expect(await second.queues()).toMatchObject([{ run: 'run', jobs: 1 }]);
  expect(await second.batches({})).toEqual(batches);
  expect(await second.leaseBatch({ ...LEASE, workerId: 'b', nowMs: 5_999 })).toBeUndefined();
  expect(await second.leaseBatch({ ...LEASE, workerId: 'b', nowMs: 6_000 })).toEqual(batches[0]);
  await second.close();
  await expect(second.add([sampleJob()])).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect(second.queues()).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('a body with a NUL is kept as JSON writes one', async () => {
  const store = await openSqliteJobStore(nextPath());
  await store.add([sampleJob({ body: '"a\u0000b"', sentBody: '"\u0000"' })]);
  const [job] = await store.read(['call_1']);
  expect([job?.call.body, job?.call.sentBody].map((body) => JSON.parse(body ?? ''))).toEqual(['a\u0000b', '\u0000']);
  await store.close();
});

test('the id of a batch is not given twice, and its jobs wait on', async () => {
  const store = await openSqliteJobStore(nextPath());
  await store.adopt(sampleBatch(), []);
  await store.add([sampleJob()]);
  await expect(store.form(sampleBatch(), ROOM, LEASE)).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(await store.read(['call_1'])).toEqual([sampleJob()]);
  await store.close();
});

test('a file of a newer program is refused', async () => {
  const path = nextPath();
  const newer = await openDatabase(path, { migrations: [...JOB_MIGRATIONS, 'CREATE TABLE more (id INTEGER)'] });
  newer.close();
  await expect(openSqliteJobStore(path)).rejects.toMatchObject({ code: 'store-unavailable' });
});

/** Starts a process of its own that has `store`, `sample` and `say` (prints a line and waits until it is read on the other side). */
function startProcess(path: string, work: string): ReturnType<typeof spawn> {
  const here = import.meta.url;
  const source = `
    import { openSqliteJobStore } from ${JSON.stringify(new URL('sqlite-job-store.ts', here).href)};
    import * as sample from ${JSON.stringify(new URL('../../testing/sample-jobs.ts', here).href)};
    const store = await openSqliteJobStore(${JSON.stringify(path)});
    const say = (line) => new Promise((resolve) => process.stdout.write(line + '\\n', resolve));
    ${work}`;
  const program = join(folder, `${(count += 1)}.mjs`);
  writeFileSync(program, source);
  return spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function linesOf(
  child: ReturnType<typeof spawn>,
  onLine?: (lines: readonly string[]) => void,
): Promise<string[]> {
  const lines: string[] = [];
  if (child.stdout === null) throw new Error('a process without output');
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    onLine?.(lines);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return lines;
}

test('what was acknowledged to a process that was killed is there', async () => {
  const path = nextPath();
  const child = startProcess(
    path,
    `for (let position = 0; ; position += 2) {
       const ids = ['call_' + position, 'call_' + (position + 1)];
       await store.add(ids.map((callId) => sample.sampleJob({ callId, position })));
       await store.update([{ callId: ids[1], version: 1, set: { state: 'done', result: sample.sampleJobResult() } }]);
       await say(String(position));
     }`,
  );
  const lines = await linesOf(child, (read) => {
    if (read.length === 10) child.kill('SIGKILL');
  });
  const store = await openSqliteJobStore(path);
  for (const position of lines.map(Number)) {
    const jobs = await store.list({ limit: 2, after: { position, callId: '' } });
    expect(jobs.map(({ state, version }) => [state, version])).toEqual([
      ['waiting', 1],
      ['done', 2],
    ]);
  }
  await store.add([sampleJob()]);
  await store.close();
});

test('processes that share a file never take the same job or batch', async () => {
  const path = nextPath();
  const store = await openSqliteJobStore(path);
  await store.add(
    Array.from({ length: 120 }, (_, position) =>
      sampleJob({ callId: `call_${position}`, position }, position < 50 ? { liveAtMs: 1 } : {}),
    ),
  );
  const children = ['a', 'b'].map((workerId) =>
    startProcess(
      path,
      `const lease = { workerId: '${workerId}', nowMs: 5_000, leaseMs: 1_000_000 };
       const room = { maxRequests: 5, maxBytes: 1e9, maxInputTokens: 1e9, lineBytes: 0 };
       for (let round = 0; round < 16; round += 1) {
         for (const { call } of await store.leaseLive(lease, 5)) await say('job ' + call.callId);
         const batch = sample.sampleBatch({ batchId: 'fb_${workerId}' + round });
         if (await store.form(batch, room, lease)) await store.saveBatch(batch, lease, false);
         const leased = await store.leaseBatch(lease);
         if (leased !== undefined) await say('batch ' + leased.batchId);
       }
       await store.close();`,
    ),
  );
  const lines = (await Promise.all(children.map((child) => linesOf(child)))).flat();
  expect(new Set(lines).size).toBe(lines.length);
  const jobs = await store.list({ limit: 1_000 });
  expect(new Set(jobs.map(({ state }) => state))).toEqual(new Set(['live', 'batched']));
  // Each taking is one change.
  expect(jobs.every((job) => job.version === 1 + job.batches + (job.state === 'live' ? 1 : 0))).toBe(true);
  expect(lines.filter((line) => line.startsWith('job'))).toHaveLength(
    jobs.filter(({ state }) => state === 'live').length,
  );
  expect(lines.filter((line) => line.startsWith('batch'))).toHaveLength((await store.batches({})).length);
  expect(await store.queues()).toEqual([]);
  await store.close();
});

test('what is asked for every second, and every page of a list, goes along an index', async () => {
  const path = nextPath();
  await (await openSqliteJobStore(path)).close();
  const database = await openDatabase(path);
  const plan = (sql: string): string =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...Array.from({ length: sql.split('?').length - 1 }, () => 1))
      .map((row) => String(row['detail']))
      .join('\n');
  const lists: readonly (readonly [Partial<JobQuery>, string])[] = [
    [{ run: 'run' }, 'jobs_of_run (run=? AND state=?)'],
    [
      { run: 'run', after: { position: 1, callId: 'a' } },
      'jobs_of_run (run=? AND state=? AND (position,call_id)>(?,?))',
    ],
    [{ batchId: 'fb_1', states: ['batched'], run: 'run' }, 'jobs_of_batch (batch_id=?)'],
    [
      { batchId: 'fb_1', after: { position: 1, callId: 'a' } },
      'jobs_of_batch (batch_id=? AND (position,call_id)>(?,?))',
    ],
    [{ batchId: 'fb_1', isUntold: true }, 'jobs_of_batch (batch_id=?)'],
    [{ isUntold: true }, 'jobs_untold'],
    [{ states: ['accepting'] }, 'jobs_passing (state=?)'],
  ];
  for (const [query, index] of lists) {
    const { sql } = jobSelection({ limit: 100, ...query });
    expect(plan(sql)).toContain(`INDEX ${index}`);
    if (index !== 'jobs_untold') expect(plan(sql)).not.toContain('SCAN jobs');
  }
  expect(plan(JOB_READS.queues)).toContain('COVERING INDEX jobs_waiting (line_id=?)');
  expect(plan(JOB_READS.queues)).toContain('COVERING INDEX jobs_timed_of_line (line_id=?');
  expect(plan(JOB_READS.isJobDue)).toContain('INDEX jobs_timed (live_at_ms>? AND live_at_ms<?)');
  expect(plan(JOB_READS.isBatchDue)).toContain('INDEX batches_due (next_at_ms<?)');
  expect(plan(JOB_READS.leasedJobs)).toContain('INDEX jobs_leased (lease_token=?)');
  expect(plan(JOB_STATEMENTS.take)).toContain('COVERING INDEX jobs_waiting (line_id=?)');
  expect(plan(JOB_STATEMENTS.leaseLive)).toContain('INDEX jobs_timed (live_at_ms>? AND live_at_ms<?)');
  database.close();
});
