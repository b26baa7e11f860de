// What the SQLite ledger costs a call: CPU of all threads, and how long an intent waits. Run: npx -c 'node bench/ledger.bench.ts [out.json]'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../src/engine/system-ports.ts';
import type { Ledger } from '../src/ports/ledger.ts';
import { openSqliteLedger } from '../src/stores/sqlite/sqlite-ledger.ts';
import { sampleCallRecord, sampleCharge, sampleIntent } from '../src/testing/sample-ledger-rows.ts';

const ROUNDS = 7;

interface Scenario {
  readonly name: string;
  readonly callers: number;
  readonly calls: number;
  readonly isRecordOnly: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'intent + charge + record', callers: 1, calls: 300, isRecordOnly: false },
  { name: 'intent + charge + record', callers: 16, calls: 3_000, isRecordOnly: false },
  { name: 'intent + charge + record', callers: 64, calls: 6_000, isRecordOnly: false },
  { name: 'record only', callers: 64, calls: 6_000, isRecordOnly: true },
];

const noLedger: Ledger = {
  intend: () => Promise.resolve(),
  charge: () => Promise.resolve([]),
  record: () => undefined,
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

interface Round {
  readonly cpuMicroseconds: number;
  readonly intentMs: readonly number[];
}

async function call(ledger: Ledger, isRecordOnly: boolean, intentMs: number[]): Promise<void> {
  const atMs = systemClock.nowMs();
  const callId = `call_${atMs.toString(36)}${systemRandom.hex(20)}`;
  const ids = { callId, chargeId: `${callId}.1`, atMs };
  if (!isRecordOnly) {
    const startedAt = performance.now();
    await ledger.intend(sampleIntent(ids));
    intentMs.push(performance.now() - startedAt);
    await ledger.charge([sampleCharge(ids)]);
  }
  ledger.record(sampleCallRecord({ callId, atMs }));
}

/** One caller after the other gives way to the event loop, as sockets do. */
async function run(ledger: Ledger, scenario: Scenario): Promise<Round> {
  const intentMs: number[] = [];
  let left = scenario.calls;
  const caller = async (): Promise<void> => {
    while ((left -= 1) >= 0) {
      await call(ledger, scenario.isRecordOnly, intentMs); // oxlint-disable-line no-await-in-loop -- a caller
      await new Promise((resolve) => setImmediate(resolve)); // oxlint-disable-line no-await-in-loop -- its next turn
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: scenario.callers }, caller));
  await ledger.flush();
  const { user, system } = process.cpuUsage(before);
  return { cpuMicroseconds: (user + system) / scenario.calls, intentMs };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const folder = mkdtempSync(join(tmpdir(), 'ledger-bench-'));
const path = join(folder, 'ledger.db');
const ledger = await openSqliteLedger({ path, clock: systemClock, random: systemRandom });
const results = SCENARIOS.map((scenario) => ({ scenario, extra: [] as number[], intentMs: [] as number[] }));
for (let round = -1; round < ROUNDS; round += 1) {
  for (const { scenario, extra, intentMs } of results) {
    const none = await run(noLedger, scenario); // oxlint-disable-line no-await-in-loop -- interleaved
    const real = await run(ledger, scenario); // oxlint-disable-line no-await-in-loop -- interleaved
    if (round < 0) continue; // warm-up
    extra.push(real.cpuMicroseconds - none.cpuMicroseconds);
    intentMs.push(...real.intentMs);
  }
}
const rounded = (value: number): number => Math.round(value * 100) / 100;
const table = results.map(({ scenario, extra, intentMs }) => ({
  scenario: scenario.name,
  callers: scenario.callers,
  'CPU µs/call': rounded(quantile(extra, 0.5)),
  'least CPU µs/call': rounded(Math.min(...extra)),
  'intent p50 ms': scenario.isRecordOnly ? null : rounded(quantile(intentMs, 0.5)),
  'intent p99 ms': scenario.isRecordOnly ? null : rounded(quantile(intentMs, 0.99)),
}));
const startedAt = performance.now();
const [total] = await ledger.report('project', {});
const reportMs = Math.round(performance.now() - startedAt);
const recorded = (ROUNDS + 1) * SCENARIOS.reduce((sum, scenario) => sum + scenario.calls, 0);
await ledger.close();
const bytesPerCall = Math.round(statSync(path).size / recorded);
rmSync(folder, { recursive: true });
console.table(table);
console.log(`report over ${total?.calls} calls: ${reportMs} ms; file: ${bytesPerCall} bytes a record`);
const [, , out] = process.argv;
if (out !== undefined) writeFileSync(out, `${JSON.stringify({ table, reportMs, bytesPerCall }, undefined, 2)}\n`);
