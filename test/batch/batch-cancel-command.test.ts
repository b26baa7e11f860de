import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { jobsPath } from '../../src/stores/sqlite/data-files.ts';
import { openSqliteJobStore } from '../../src/stores/sqlite/sqlite-job-store.ts';
import { sampleJob } from '../../src/testing/sample-jobs.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const run = promisify(execFile);

test('farthing batch cancel takes back what waits of a run, and no other run’s', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-cancel-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [data, config] = [join(folder, 'data'), join(folder, 'farthing.yaml')];
  mkdirSync(data);
  writeFileSync(
    config,
    'providers: { openai: { protocol: openai, baseUrl: "http://127.0.0.1:9/v1", apiKey: sk-x } }\n',
  );
  const jobs = await openSqliteJobStore(jobsPath(data));
  const callIds = ['call_a', 'call_b', 'call_c'] as const;
  await jobs.add(
    callIds.map((callId, position) => sampleJob({ callId, run: callId === 'call_c' ? 'run_y' : 'run_x', position })),
  );
  const words = ['batch', 'cancel', 'run_x', '-c', config, '-d', data];
  const { stdout } = await run(process.execPath, [MAIN, ...words]);
  expect(stdout).toContain('2 items taken back before they were sent');
  const left = await jobs.read(callIds);
  await jobs.close();
  const outcomes = new Map(left.map(({ call, result }) => [call.callId, result?.outcome]));
  expect([...callIds].map((callId) => outcomes.get(callId))).toEqual(['cancelled', 'cancelled', undefined]);
  await expect(run(process.execPath, [MAIN, 'batch', 'cancel', 'run_z', '-c', config, '-d', data])).rejects.toThrow(
    'there is no run run_z',
  );
});
