import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { jobsPath } from '../stores/sqlite/data-files.ts';
import { sampleBatch, sampleJob } from '../testing/sample-jobs.ts';
import { FolderJobs } from './folder-jobs.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folder-jobs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const LEASE = { workerId: 'a', nowMs: 5_000, leaseMs: 1_000 };
const ROOM = { maxRequests: 10, maxBytes: 1_000, maxInputTokens: 1_000, lineBytes: 0 };

test('until there is a deferred call everything is answered as by an empty store, and no file is made', async () => {
  const jobs = new FolderJobs(folder);
  expect(await jobs.read(['call_1'])).toEqual([]);
  expect(await jobs.list({ limit: 5 })).toEqual([]);
  expect(await jobs.update([{ callId: 'call_1', version: 1, set: {} }])).toEqual([false]);
  expect(await jobs.queues()).toEqual([]);
  expect(await jobs.form(sampleBatch(), ROOM, LEASE)).toBeUndefined();
  expect(await jobs.leaseBatch(LEASE)).toBeUndefined();
  expect(await jobs.saveBatch(sampleBatch(), LEASE, true)).toBe(false);
  expect(await jobs.leaseLive(LEASE, 5)).toEqual([]);
  expect(await jobs.batches({})).toEqual([]);
  await jobs.remove(['call_1']);
  await jobs.cancelBatches(['fb_1'], 1);
  await jobs.add([]);
  expect(existsSync(jobsPath(folder))).toBe(false);
  await jobs.close();
});

test('what one process adds another that has looked before finds', async () => {
  const [one, other] = [new FolderJobs(folder), new FolderJobs(folder)];
  expect(await other.queues()).toEqual([]);
  await Promise.all([one.add([sampleJob({}, { liveAtMs: 10 })]), one.add([sampleJob({ callId: 'call_2' })])]);
  expect((await other.queues())[0]?.jobs).toBe(2);
  expect(await other.leaseLive(LEASE, 5)).toHaveLength(1);
  expect((await other.form(sampleBatch(), ROOM, LEASE))?.requests).toBe(1);
  expect(await one.saveBatch(sampleBatch({ stage: 'staging' }), LEASE, false)).toBe(true);
  await one.cancelBatches(['fb_0000000000000001'], 1);
  expect((await one.leaseBatch(LEASE))?.isCancelled).toBe(true);
  await other.adopt(sampleBatch({ batchId: 'fb_2', stage: 'submitted' }), []);
  expect(await one.batches({})).toHaveLength(2);
  await one.remove(['call_1']);
  expect(await one.list({ limit: 5 })).toMatchObject([{ call: { callId: 'call_2' }, version: 2 }]);
  expect(await other.update([{ callId: 'call_2', version: 2, set: { state: 'done' } }])).toEqual([true]);
  expect(await one.read(['call_2'])).toMatchObject([{ state: 'done' }]);
  await Promise.all([one.close(), other.close()]);
  await expect(one.queues()).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('a file that cannot be opened is refused by name, and tried again', async () => {
  const jobs = new FolderJobs(folder);
  mkdirSync(jobsPath(folder));
  await expect(jobs.add([sampleJob()])).rejects.toMatchObject({ code: 'store-unavailable' });
  rmSync(jobsPath(folder), { recursive: true });
  await jobs.add([sampleJob()]);
  expect(await jobs.read(['call_1'])).toHaveLength(1);
  await jobs.close();
});

test('a store that was never opened is closed all the same', async () => {
  const jobs = new FolderJobs(folder);
  await jobs.close();
  await expect(jobs.add([sampleJob()])).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect(jobs.queues()).rejects.toMatchObject({ code: 'store-unavailable' });
});
