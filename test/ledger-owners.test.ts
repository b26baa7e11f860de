import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nanoUsd } from '../src/core/money.ts';
import type { Random } from '../src/ports/clock.ts';
import { seededRandom } from '../src/simulator/seeded-random.ts';
import { MemoryLedger } from '../src/stores/memory-ledger/memory-ledger.ts';
import { MemoryLedgerRows } from '../src/stores/memory-ledger/memory-ledger-rows.ts';
import { openPostgresLedger } from '../src/stores/postgres/postgres-ledger.ts';
import { openSqliteLedger } from '../src/stores/sqlite/sqlite-ledger.ts';
import { collect } from '../src/testing/collect.ts';
import { FakeClock } from '../src/testing/fake-clock.ts';
import type { OwnedLedger } from '../src/testing/ledger-owner-stage.ts';
import { sampleCharge, sampleIntent } from '../src/testing/sample-ledger-rows.ts';
import { startPostgres, whyNoPostgres } from './support/postgres-server.ts';

/** So long that no timer fires within a schedule, on the slowest machine. */
const LEASE_MS = 3_600_000;
const OWNERS = 3;
let folder: string;
let count = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-owners-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What happens to one of the owners. A restart leaves the ledger without a word, as a process that dies does. */
type Step =
  | {
      readonly kind: 'intend';
      readonly owner: number;
      readonly calls: readonly number[];
    }
  | {
      readonly kind: 'charge';
      /** Whose calls: not always the own ones. */
      readonly of: number;
      readonly owner: number;
      readonly calls: readonly number[];
      readonly amount: number | undefined;
    }
  | { readonly kind: 'recover' | 'restart' | 'close'; readonly owner: number }
  | { readonly kind: 'wait'; readonly ms: number };

const anOwner = fc.nat(OWNERS - 1);
const someCalls = fc.array(fc.nat(5), { minLength: 1, maxLength: 3 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('intend'), owner: anOwner, calls: someCalls }),
  fc.record({
    kind: fc.constant('charge'),
    owner: anOwner,
    of: anOwner,
    calls: someCalls,
    amount: fc.option(fc.integer({ min: 0, max: 6_000 }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constantFrom('recover', 'recover', 'restart', 'close'), owner: anOwner }),
  fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(1_000, (LEASE_MS * 2) / 3 - 1, LEASE_MS / 2, LEASE_MS) }),
);

type Open = (clock: FakeClock, random: Random) => Promise<OwnedLedger>;

/** An id is that of one process's attempt, for ever. */
function idsOf(
  lives: readonly number[],
  owner: number,
  call: number,
): { readonly callId: string; readonly chargeId: string } {
  const callId = `c${owner}-${lives[owner]}-${call}`;
  return { callId, chargeId: `${callId}.1` };
}

async function act(
  ledger: OwnedLedger,
  step: Exclude<Step, { kind: 'wait' }>,
  nowMs: number,
  lives: readonly number[],
): Promise<unknown> {
  switch (step.kind) {
    case 'intend':
      for (const call of step.calls) {
        const upperBoundNanoUsd = call === 0 ? undefined : nanoUsd(call * 1_000);
        // oxlint-disable-next-line no-await-in-loop -- in one order in both ledgers
        await ledger.intend(sampleIntent({ ...idsOf(lives, step.owner, call), atMs: nowMs, upperBoundNanoUsd }));
      }
      return undefined;
    case 'charge': {
      const amountNanoUsd = step.amount === undefined ? undefined : nanoUsd(step.amount);
      const certainty = amountNanoUsd === undefined ? 'unpriced' : 'exact';
      return ledger.charge(
        step.calls.map((call) =>
          sampleCharge({ ...idsOf(lives, step.of, call), atMs: nowMs, amountNanoUsd, certainty }),
        ),
      );
    }
    case 'recover':
      return ledger.recover(nowMs);
    case 'restart':
      return undefined;
    case 'close':
      return ledger.close();
  }
}

/** Rows of one moment have no order that both ledgers share. */
function inOrder<T extends object>(rows: readonly T[], nameOf: (row: T) => unknown): readonly T[] {
  const name = (row: T): string => JSON.stringify(nameOf(row));
  return rows.toSorted((left, right) => name(left).localeCompare(name(right)));
}

/** Plays a schedule, and holds after each step that the rows of ended owners are as they were when they were ended. */
async function play(open: Open, schedule: readonly Step[]): Promise<readonly unknown[]> {
  const clock = new FakeClock(1_000_000);
  const random = seededRandom(1);
  const abandoned: OwnedLedger[] = [];
  const ledgers: OwnedLedger[] = [];
  for (let index = 0; index < OWNERS; index += 1) ledgers.push(await open(clock, random)); // oxlint-disable-line no-await-in-loop -- ids in one order
  const seen = new Set<string>();
  const charged = new Set<string>();
  const ended = new Map<string, unknown>();
  const trace: unknown[] = [];
  const lives = Array.from({ length: OWNERS }, () => 0);
  const reader = await open(clock, random);
  for (const step of schedule) {
    if (step.kind === 'wait') {
      clock.advance(step.ms);
      continue;
    }
    const ledger = ledgers[step.owner] as OwnedLedger;
    /* oxlint-disable no-await-in-loop -- one step after the other */
    if (step.kind === 'charge') {
      const ids = step.calls.map((call) => idsOf(lives, step.of, call).chargeId);
      // With nothing new to write Postgres notices that its owner was ended, and memory does not: both may.
      if (ids.every((id) => charged.has(id))) await ledger.recover(clock.nowMs());
      for (const id of ids) charged.add(id);
    }
    const result = await act(ledger, step, clock.nowMs(), lives);
    if (step.kind === 'restart' || step.kind === 'close') {
      abandoned.push(ledger);
      lives[step.owner] = (lives[step.owner] ?? 0) + 1;
      ledgers[step.owner] = await open(clock, random);
    }
    const living = (await reader.livingOwners()).toSorted();
    for (const ownerId of living) {
      expect(ended.has(ownerId)).toBe(false);
      seen.add(ownerId);
    }
    for (const ownerId of seen) {
      if (living.includes(ownerId)) continue;
      const rows = inOrder(await collect(reader.spending({ ownerId })), (row) => [row.atMs, row.amountNanoUsd]);
      if (ended.has(ownerId)) expect(rows).toEqual(ended.get(ownerId));
      ended.set(ownerId, rows);
    }
    const charges = inOrder(await collect(reader.charges({})), (row) => row.chargeId);
    const spending = inOrder(await collect(reader.spending({})), (row) => [row.ownerId, row.atMs, row.amountNanoUsd]);
    trace.push({ step, result, living, ids: ledgers.map((one) => [one.ownerId, one.leaseUntilMs]) });
    trace.push({ charges, spending, open: inOrder(await reader.openIntents(), (row) => row.chargeId) });
    /* oxlint-enable no-await-in-loop */
  }
  await Promise.all([...ledgers, ...abandoned, reader].map((ledger) => ledger.close()));
  return trace;
}

function inMemory(): Open {
  const rows = new MemoryLedgerRows(100_000);
  return async (clock, random) => new MemoryLedger({}, { rows, clock, random, leaseMs: LEASE_MS });
}

function inSqlite(): Open {
  const path = join(folder, `${(count += 1)}.db`);
  return (clock, random) => openSqliteLedger({ path, clock, random, leaseMs: LEASE_MS });
}

test(
  'whatever several owners do, in memory and in SQLite the same rows stand, and those of an ended owner stay',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (schedule) => {
        expect(await play(inSqlite(), schedule)).toEqual(await play(inMemory(), schedule));
      }),
      { numRuns: 8 },
    );
  },
);

const missing = whyNoPostgres();

test.skipIf(missing !== undefined)(
  `whatever several owners do, in memory and in Postgres the same rows stand, and those of an ended owner stay${missing === undefined ? '' : ` (not here: ${missing})`}`,
  { timeout: 120_000 },
  async () => {
    const server = await startPostgres();
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (schedule) => {
          const url = await server.createDatabase();
          const open: Open = (clock, random) =>
            openPostgresLedger({ url, clock, random, leaseMs: LEASE_MS, maxConnections: 2 });
          expect(await play(open, schedule)).toEqual(await play(inMemory(), schedule));
        }),
        { numRuns: 8 },
      );
    } finally {
      await server.close();
    }
  },
);
