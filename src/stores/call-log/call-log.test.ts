import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import { sampleCallRecord } from '../../testing/sample-ledger-rows.ts';
import { CallLog } from './call-log.ts';

const DAY_MS = 86_400_000;
const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
let folder: string;
let nowMs: number;
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };

beforeEach(() => {
  nowMs = NOON_MS;
  folder = join(mkdtempSync(join(tmpdir(), 'call-log-')), 'calls');
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true });
});

const files = (): readonly string[] => readdirSync(folder).toSorted();
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const linesOf = (name: string): readonly Record<string, unknown>[] =>
  read(name)
    .trimEnd()
    .split('\n')
    .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));

test('a call is one line with its version and its record', async () => {
  const log = new CallLog({ folder, clock });
  log.append(sampleCallRecord());
  log.append(sampleCallRecord({ callId: 'call_2', target: undefined }));
  await log.close();
  const [first, second] = linesOf('calls-2026-11-23-0001.jsonl');
  expect(first).toEqual({ v: 1, ...JSON.parse(JSON.stringify(sampleCallRecord())) });
  expect(second).not.toHaveProperty('target');
});

test('bodies are text where they are UTF-8, also with line feeds, and base64 where not', async () => {
  const log = new CallLog({ folder, clock });
  const request = new TextEncoder().encode('{"a":\n"żółw\u2028"}');
  log.append(sampleCallRecord(), { request, reply: Uint8Array.of(0xff, 0xfe, 0x00) });
  await log.close();
  const [line] = linesOf('calls-2026-11-23-0001.jsonl');
  expect(line?.['bodies']).toEqual({ request: { text: '{"a":\n"żółw\u2028"}' }, reply: { base64: '//4A' } });
});

test('a file ends with the day and at its size', async () => {
  const log = new CallLog({ folder, clock, maxFileBytes: 1_500 });
  const write = async (): Promise<void> => {
    log.append(sampleCallRecord());
    await log.flush();
  };
  await write();
  const lineBytes = statSync(join(folder, 'calls-2026-11-23-0001.jsonl')).size;
  expect(lineBytes).toBeGreaterThan(750);
  await write();
  nowMs += DAY_MS;
  await write();
  await log.close();
  expect(files()).toEqual([
    'calls-2026-11-23-0001.jsonl',
    'calls-2026-11-23-0002.jsonl',
    'calls-2026-11-24-0001.jsonl',
  ]);
});

test('a log that is opened again goes on in the same file, past a line that a crash cut short', async () => {
  const first = new CallLog({ folder, clock });
  first.append(sampleCallRecord());
  await first.close();
  writeFileSync(join(folder, 'calls-2026-11-23-0001.jsonl'), '{"v":1,"cal', { flag: 'a' });
  const second = new CallLog({ folder, clock });
  second.append(sampleCallRecord({ callId: 'call_2' }));
  await second.close();
  expect(files()).toEqual(['calls-2026-11-23-0001.jsonl']);
  const lines = read('calls-2026-11-23-0001.jsonl').trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({ callId: 'call_2' });
});

test('two processes write one folder without cutting each other’s lines', async () => {
  const logs = [new CallLog({ folder, clock }), new CallLog({ folder, clock })];
  for (let index = 0; index < 200; index += 1) {
    for (const log of logs) log.append(sampleCallRecord({ callId: `call_${index}` }));
    if (index % 20 === 0) await Promise.all(logs.map((log) => log.flush())); // oxlint-disable-line no-await-in-loop
  }
  await Promise.all(logs.map((log) => log.close()));
  expect(files().flatMap((name) => linesOf(name))).toHaveLength(400);
});

test('files past their age or past the total size are deleted, the oldest first, others are left alone', async () => {
  const log = new CallLog({ folder, clock, retentionMs: 10 * DAY_MS, maxTotalBytes: 250 });
  log.append(sampleCallRecord());
  await log.flush();
  const put = (name: string, ageDays: number): void => {
    writeFileSync(join(folder, name), 'x'.repeat(100));
    utimesSync(join(folder, name), new Date(nowMs), new Date(nowMs - ageDays * DAY_MS));
  };
  rmSync(join(folder, 'calls-2026-11-23-0001.jsonl'));
  put('calls-2026-11-01-0001.jsonl', 22);
  put('calls-2026-11-20-0001.jsonl', 3);
  put('calls-2026-11-21-0001.jsonl', 2);
  put('calls-2026-11-22-0001.jsonl', 1);
  put('mine.jsonl', 100);
  nowMs += DAY_MS;
  log.append(sampleCallRecord());
  await log.close();
  expect(files()).toEqual([
    'calls-2026-11-21-0001.jsonl',
    'calls-2026-11-22-0001.jsonl',
    'calls-2026-11-24-0001.jsonl',
    'mine.jsonl',
  ]);
});

test('a disk that fails is reported, holds up no call, and gets the lines once it is well again', async () => {
  const faults: string[] = [];
  writeFileSync(folder, 'a file where the folder should be');
  const log = new CallLog({ folder, clock, onFault: (error) => faults.push(error.code) });
  log.append(sampleCallRecord());
  await expect(log.flush()).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  expect(faults).toEqual(['store-unavailable']);
  rmSync(folder);
  log.append(sampleCallRecord({ callId: 'call_2' }));
  await log.close();
  expect(linesOf('calls-2026-11-23-0001.jsonl')).toHaveLength(2);
});

test('past the buffer lines are dropped and counted', () => {
  const log = new CallLog({ folder, clock, maxBufferChars: 1_500 });
  log.append(sampleCallRecord());
  log.append(sampleCallRecord());
  expect(log.droppedLines).toBe(1);
});

test('lines are written soon without being asked for', async () => {
  const log = new CallLog({ folder, clock });
  log.append(sampleCallRecord());
  await expect.poll(() => existsSync(folder) && files().length, { timeout: 3_000 }).toBe(1);
  await log.close();
});

test('the files are for their owner only', async () => {
  const log = new CallLog({ folder, clock });
  log.append(sampleCallRecord());
  await log.close();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'calls-2026-11-23-0001.jsonl')).mode & 0o777).toBe(0o600);
});
