// What a ledger costs a call, on SQLite and on Postgres: CPU of all threads, rows a second, and for how long a call waits for it.
// Run: npx -c 'node bench/ledger.bench.ts [--quick]'
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock, systemRandom } from '../src/engine/system-ports.ts';
import type { Ledger } from '../src/ports/ledger.ts';
import { openPostgresLedger } from '../src/stores/postgres/postgres-ledger.ts';
import { openSqliteLedger } from '../src/stores/sqlite/sqlite-ledger.ts';
import { sampleCallRecord, sampleCharge, sampleIntent } from '../src/testing/sample-ledger-rows.ts';
import { startPostgres, whyNoPostgres } from '../test/support/postgres-server.ts';
import { machineNote } from './support/machine.ts';
import { PostgresCpu } from './support/postgres-cpu.ts';
import { quantile, rounded } from './support/quantile.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const ROUNDS = options.quick ? 1 : 5;
const SCALE = options.quick ? 0.1 : 1;

interface Scenario {
  readonly name: string;
  readonly callers: number;
  readonly calls: number;
  readonly isRecordOnly: boolean;
}

const FULL = 'intent + charge + record';
const SCENARIOS: readonly Scenario[] = [
  { name: FULL, callers: 1, calls: 300 * SCALE, isRecordOnly: false },
  { name: FULL, callers: 16, calls: 2400 * SCALE, isRecordOnly: false },
  { name: FULL, callers: 64, calls: 4800 * SCALE, isRecordOnly: false },
  { name: FULL, callers: 256, calls: 6400 * SCALE, isRecordOnly: false },
  { name: 'record only', callers: 64, calls: 4800 * SCALE, isRecordOnly: true },
];

/** What is measured. */
interface Place {
  readonly name: string;
  readonly ledger: Ledger;
  /** CPU of the database server so far, in microseconds; 0 where the ledger is in this process. */
  readonly serverMicroseconds: () => number;
}

const noLedger: Ledger = {
  intend: () => Promise.resolve(),
  charge: () => Promise.resolve([]),
  record: () => undefined,
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

interface Round {
  readonly cpuMicroseconds: number;
  readonly serverMicroseconds: number;
  readonly callsPerSecond: number;
  readonly intentMs: readonly number[];
  readonly chargeMs: readonly number[];
}

interface Times {
  readonly intentMs: number[];
  readonly chargeMs: number[];
}

async function call(ledger: Ledger, isRecordOnly: boolean, { intentMs, chargeMs }: Times): Promise<void> {
  const atMs = systemClock.nowMs();
  const callId = `call_${atMs.toString(36)}${systemRandom.hex(20)}`;
  const ids = { callId, chargeId: `${callId}.1`, atMs };
  if (!isRecordOnly) {
    const startedAt = performance.now();
    await ledger.intend(sampleIntent(ids));
    const intendedAt = performance.now();
    intentMs.push(intendedAt - startedAt);
    await ledger.charge([sampleCharge(ids)]);
    chargeMs.push(performance.now() - intendedAt);
  }
  ledger.record(sampleCallRecord({ callId, atMs }));
}

/** One caller after the other gives way to the event loop, as sockets do. */
async function run({ ledger, serverMicroseconds }: Place, scenario: Scenario): Promise<Round> {
  const times: Times = { intentMs: [], chargeMs: [] };
  let left = scenario.calls;
  const caller = async (): Promise<void> => {
    while ((left -= 1) >= 0) {
      await call(ledger, scenario.isRecordOnly, times); // oxlint-disable-line no-await-in-loop -- a caller
      await new Promise((resolve) => setImmediate(resolve)); // oxlint-disable-line no-await-in-loop -- its next turn
    }
  };
  const server = serverMicroseconds();
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: scenario.callers }, caller));
  await ledger.flush();
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startedAt;
  return {
    ...times,
    cpuMicroseconds: (user + system) / scenario.calls,
    serverMicroseconds: (serverMicroseconds() - server) / scenario.calls,
    callsPerSecond: (scenario.calls / wallMs) * 1000,
  };
}

const machine = machineNote();
const folder = mkdtempSync(join(tmpdir(), 'ledger-bench-'));
const path = join(folder, 'ledger.db');
const onSqlite = await openSqliteLedger({ path, clock: systemClock, random: systemRandom });
const missing = whyNoPostgres();
const postgres = missing === undefined ? await startPostgres({ flags: ['-c', 'fsync=on'] }) : undefined;
const url = await postgres?.createDatabase();
const onPostgres =
  url === undefined ? undefined : await openPostgresLedger({ url, clock: systemClock, random: systemRandom });
const places: Place[] = [{ name: 'SQLite', ledger: onSqlite, serverMicroseconds: () => 0 }];
if (postgres !== undefined && onPostgres !== undefined) {
  const cpu = await PostgresCpu.of(postgres);
  places.push({ name: 'Postgres', ledger: onPostgres, serverMicroseconds: () => cpu.microseconds() });
}
const nowhere: Place = { name: 'none', ledger: noLedger, serverMicroseconds: () => 0 };

interface Result {
  readonly scenario: Scenario;
  readonly place: Place;
  readonly rounds: Round[];
}

/** One round; odd ones go backwards, so that a drift of the machine favours nobody. */
async function measure(results: readonly Result[], round: number): Promise<void> {
  for (const { scenario, place, rounds } of round % 2 === 0 ? results : results.toReversed()) {
    const measured = await run(place, scenario); // oxlint-disable-line no-await-in-loop -- interleaved
    if (round >= 0) rounds.push(measured); // the first is the warm-up
  }
}

const results = SCENARIOS.flatMap((scenario) =>
  [nowhere, ...places].map((place): Result => ({ scenario, place, rounds: [] })),
);
for (let round = -1; round < ROUNDS; round += 1) await measure(results, round); // oxlint-disable-line no-await-in-loop -- interleaved

const middle = (rounds: readonly Round[], of: (round: Round) => number): number => quantile(rounds.map(of), 0.5);
const table = results.flatMap(({ scenario, place, rounds }) => {
  if (place === nowhere) return [];
  const none = results.find((other) => other.scenario === scenario && other.place === nowhere)?.rounds ?? [];
  const extra = rounds.map(
    ({ cpuMicroseconds }, index) => cpuMicroseconds - (none[index]?.cpuMicroseconds ?? Number.NaN),
  );
  const intentMs = rounds.flatMap((round) => round.intentMs);
  const chargeMs = rounds.flatMap((round) => round.chargeMs);
  const part = (times: readonly number[], ratio: number): number | null =>
    scenario.isRecordOnly ? null : rounded(quantile(times, ratio));
  return {
    ledger: place.name,
    scenario: scenario.name,
    callers: scenario.callers,
    'calls/s': Math.round(middle(rounds, (round) => round.callsPerSecond)),
    'CPU µs/call': rounded(quantile(extra, 0.5), 1),
    'least CPU µs/call': rounded(Math.min(...extra), 1),
    'server CPU µs/call': rounded(
      middle(rounds, (round) => round.serverMicroseconds),
      1,
    ),
    'intent p50 ms': part(intentMs, 0.5),
    'intent p99 ms': part(intentMs, 0.99),
    'charge p50 ms': part(chargeMs, 0.5),
    'charge p99 ms': part(chargeMs, 0.99),
  };
});
const recorded = (ROUNDS + 1) * SCENARIOS.reduce((sum, { calls }) => sum + calls, 0);
const startedAt = performance.now();
await onSqlite.report('project', {});
const reportMs = Math.round(performance.now() - startedAt);
await onSqlite.close();
const bytesPerCall: Record<string, number> = { SQLite: Math.round(statSync(path).size / recorded) };
if (postgres !== undefined && url !== undefined) {
  await postgres.query('VACUUM', url);
  const [size] = await postgres.query('SELECT pg_database_size(current_database())::float8 AS bytes', url);
  bytesPerCall['Postgres'] = Math.round(Number(size?.['bytes']) / recorded);
  await onPostgres?.close();
  await postgres.close();
}
rmSync(folder, { recursive: true });
console.log(`Node ${machine.node}, ${machine.cpus}, load before ${machine.loadBefore}`);
if (missing !== undefined) console.log(`Skipped: Postgres (${missing}).`);
console.table(table);
console.log(`report over ${recorded} calls on SQLite: ${reportMs} ms; bytes a call: ${JSON.stringify(bytesPerCall)}`);
if (!options.quick) {
  const file = new URL('./results/ledger.json', import.meta.url);
  const result = { ...machine, rounds: ROUNDS, table, reportMs, bytesPerCall };
  await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
}
