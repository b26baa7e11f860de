import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { nanoUsd } from '../core/money.ts';
import type { SpendingQuery } from '../ports/ledger.ts';
import { collect } from './collect.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { FENCING_RULES } from './ledger-fencing-rules.ts';
import {
  amounts,
  callIds,
  LEASE_MS,
  type LedgerStorage,
  living,
  type OwnerRule,
  runRule,
  spentBy,
} from './ledger-owner-stage.ts';
import { sampleCharge, sampleIntent } from './sample-ledger-rows.ts';

const RECEIPTS: readonly OwnerRule[] = [
  [
    'each charge has a receipt of its row, in their order: owner, amount and times',
    async ({ open }) => {
      const ledger = await open();
      const { ownerId } = ledger;
      const unpriced = sampleCharge({ ...callIds('b'), atMs: 2_000, certainty: 'unpriced', amountNanoUsd: undefined });
      deepEqual(await ledger.charge([sampleCharge(callIds('a')), unpriced]), [
        { chargeId: 'a.1', ownerId, amountNanoUsd: 1_200, atMs: 1_000, bookedAtMs: 1_000 },
        { chargeId: 'b.1', ownerId, amountNanoUsd: undefined, atMs: 2_000, bookedAtMs: 2_000 },
      ]);
      deepEqual(await ledger.charge([]), []);
    },
  ],
  [
    'a charge handed over again has the receipt of the row that is there, whoever hands it over',
    async ({ open }) => {
      const [first, second] = [await open(), await open()];
      const receipts = await first.charge([sampleCharge()]);
      const again = sampleCharge({ amountNanoUsd: nanoUsd(9), atMs: 9_000 });
      deepEqual(await first.charge([again]), receipts);
      deepEqual(await second.charge([again]), receipts);
      const fresh = sampleCharge(callIds('b'));
      const times = { atMs: 1_000, bookedAtMs: 1_000 };
      const receipt = { chargeId: 'b.1', ownerId: second.ownerId, amountNanoUsd: 1_200, ...times };
      deepEqual(await second.charge([fresh, again, fresh]), [receipt, ...receipts, receipt]);
    },
  ],
  [
    'the true figure of an orphan has the receipt of its correction, under the living owner at the time of the estimate, booked at its own, however often it comes',
    async ({ clock, open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      await stopped.intend(sampleIntent());
      equal(await endFirst(stopped, second), 1);
      const atMs = clock.nowMs();
      const truth = sampleCharge({ atMs: 7_000 });
      const receipts = await stopped.charge([truth, truth]);
      const times = { atMs, bookedAtMs: 7_000 };
      const correction = { chargeId: 'call_1.1', ownerId: stopped.ownerId, amountNanoUsd: -3_800, ...times };
      deepEqual(receipts, [correction, correction]);
      notEqual(stopped.ownerId, ended);
      deepEqual(await stopped.charge([sampleCharge({ atMs: 8_000 })]), [correction]);
      deepEqual(await second.charge([truth]), [correction]);
      deepEqual(await amounts(second, { ownerId: ended }), [5_000]);
      deepEqual(await amounts(second, { ownerId: stopped.ownerId }), [-3_800]);
    },
  ],
  [
    'a late figure without a price leaves the estimate as it is, and says so',
    async ({ open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      await stopped.intend(sampleIntent());
      await endFirst(stopped, second);
      const [receipt] = await stopped.charge([sampleCharge({ certainty: 'unpriced', amountNanoUsd: undefined })]);
      equal(receipt?.amountNanoUsd, undefined);
      equal(receipt?.ownerId, stopped.ownerId);
      deepEqual(await amounts(second, {}), [5_000]);
    },
  ],
];

const SPENDING: readonly OwnerRule[] = [
  [
    'spending knows of each row what budgets count by',
    async ({ open }) => {
      const ledger = await open();
      const row = sampleCharge({ project: 'p', keyId: 'k', target: 'a/b', tags: { user: 'żółw', 'a "b"': '' } });
      const bare = sampleCharge({ ...callIds('b'), atMs: 2_000, tags: {}, amountNanoUsd: nanoUsd(0) });
      await ledger.charge([row, bare]);
      const { ownerId } = ledger;
      const { project, keyId, target, tags, amountNanoUsd, atMs } = row;
      deepEqual(await collect(ledger.spending({})), [
        { ownerId, atMs, bookedAtMs: atMs, amountNanoUsd, project, keyId, tags, target },
        {
          ownerId,
          atMs: 2_000,
          bookedAtMs: 2_000,
          amountNanoUsd: 0,
          project: 'search',
          keyId: 'key_1',
          tags: {},
          target: bare.target,
        },
      ]);
    },
  ],
  [
    'spending has a correction at the time of its estimate, and says when the late charge was dated',
    async ({ clock, open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      await stopped.intend(sampleIntent());
      await endFirst(stopped, second);
      const atMs = clock.nowMs();
      await stopped.charge([sampleCharge({ atMs: atMs + 10 })]);
      await stopped.charge([sampleCharge({ atMs: atMs + 20 })]);
      const timesOf = async (query: SpendingQuery): Promise<readonly (readonly number[])[]> =>
        (await collect(second.spending(query))).map((row) => [row.amountNanoUsd, row.atMs, row.bookedAtMs]);
      deepEqual(await timesOf({ ownerId: ended }), [[5_000, atMs, atMs]]);
      deepEqual(await timesOf({ ownerId: stopped.ownerId }), [[-3_800, atMs, atMs + 10]]);
      deepEqual(await timesOf({ fromMs: atMs + 1 }), []);
    },
  ],
  [
    'spending is chosen by time, inclusive, and by owner; corrections are in it, rows without a price are not',
    async ({ open }) => {
      const [first, second] = [await open(), await open()];
      await first.charge([
        sampleCharge({ ...callIds('a'), atMs: 1, amountNanoUsd: nanoUsd(10) }),
        sampleCharge({ ...callIds('b'), atMs: 3, amountNanoUsd: nanoUsd(20) }),
        sampleCharge({ ...callIds('c'), atMs: 3, certainty: 'unpriced', amountNanoUsd: undefined }),
      ]);
      await second.charge([
        sampleCharge({ ...callIds('d'), atMs: 2, amountNanoUsd: nanoUsd(30) }),
        sampleCharge({ ...callIds('a'), chargeId: 'a.1.c1', atMs: 4, amountNanoUsd: nanoUsd(-5), corrects: 'a.1' }),
      ]);
      deepEqual(await amounts(first, {}), [-5, 10, 20, 30]);
      deepEqual(await amounts(first, { fromMs: 2 }), [-5, 20, 30]);
      deepEqual(await amounts(first, { fromMs: 5 }), []);
      deepEqual(await amounts(first, { ownerId: first.ownerId }), [10, 20]);
      deepEqual(await amounts(first, { ownerId: second.ownerId, fromMs: 3 }), [-5]);
      deepEqual(await amounts(first, { ownerId: 'owner_nobody' }), []);
    },
  ],
  [
    'thousands of rows of two owners are read whole, each once',
    async ({ open }) => {
      const [first, second] = [await open(), await open()];
      const rows = Array.from({ length: 4_500 }, (_, index) =>
        sampleCharge({ ...callIds(`c${index}`), atMs: index % 7, amountNanoUsd: nanoUsd(index) }),
      );
      await first.charge(rows.slice(0, 4_400));
      await second.charge(rows.slice(4_400));
      const all = rows.map((_, index) => index);
      deepEqual(await amounts(first, {}), all);
      deepEqual(await amounts(first, { ownerId: second.ownerId }), all.slice(4_400));
      deepEqual(
        await amounts(first, { ownerId: first.ownerId, fromMs: 3 }),
        all.slice(0, 4_400).filter((index) => index % 7 >= 3),
      );
    },
  ],
];

const OWNERS: readonly OwnerRule[] = [
  [
    'every opened ledger is an owner of its own, with a lease from now',
    async ({ clock, open }) => {
      const [first, second] = [await open(), await open()];
      notEqual(first.ownerId, second.ownerId);
      deepEqual(await living(first), [first.ownerId, second.ownerId].toSorted());
      deepEqual(await living(second), await living(first));
      equal(first.leaseUntilMs, clock.nowMs() + LEASE_MS);
    },
  ],
  [
    'an owner that renews its lease lives on under its id, and nothing of it is recovered',
    async ({ clock, open }) => {
      const [first, second] = [await open(), await open()];
      const { ownerId } = first;
      await first.intend(sampleIntent());
      clock.advance(LEASE_MS - 1);
      equal(await first.recover(clock.nowMs()), 0);
      equal(first.leaseUntilMs, clock.nowMs() + LEASE_MS);
      clock.advance(LEASE_MS - 1);
      equal(await second.recover(clock.nowMs()), 0);
      equal(first.ownerId, ownerId);
      ok((await living(second)).includes(ownerId));
      deepEqual((await second.openIntents())[0]?.ownerId, ownerId);
    },
  ],
  [
    'an owner whose lease ran out and whom nobody ended keeps its id',
    async ({ clock, open }) => {
      const ledger = await open();
      const { ownerId } = ledger;
      await ledger.intend(sampleIntent());
      clock.advance(LEASE_MS * 2);
      equal(await ledger.recover(clock.nowMs()), 0);
      equal(ledger.ownerId, ownerId);
      equal((await ledger.openIntents()).length, 1);
      clock.advance(LEASE_MS * 2);
      const [receipt] = await ledger.charge([sampleCharge()]);
      equal(receipt?.ownerId, ownerId);
    },
  ],
  [
    'an intent renews a lease that is about to end',
    async ({ clock, open }) => {
      const [first, second] = [await open(), await open()];
      clock.advance(LEASE_MS - 1);
      await first.intend(sampleIntent());
      equal(first.leaseUntilMs, clock.nowMs() + LEASE_MS);
      clock.advance(1);
      equal(await second.recover(clock.nowMs()), 0);
      ok((await living(second)).includes(first.ownerId));
    },
  ],
  [
    'what an owner left open when its lease ran out is charged to it at its upper bound, once',
    async ({ clock, open }) => {
      const [silent, second] = [await open(), await open()];
      const others = [second, await open()];
      await silent.intend(sampleIntent(callIds('a')));
      await silent.intend(sampleIntent({ ...callIds('b'), upperBoundNanoUsd: undefined }));
      await silent.intend(sampleIntent(callIds('c')));
      await silent.charge([sampleCharge(callIds('c'))]);
      clock.advance(LEASE_MS - 1);
      for (const other of others) await other.recover(clock.nowMs()); // oxlint-disable-line no-await-in-loop -- the others live
      clock.advance(1);
      const turned = await Promise.all(others.map((other) => other.recover(clock.nowMs())));
      deepEqual(
        turned.toSorted((left, right) => left - right),
        [0, 2],
      );
      deepEqual(await living(second), others.map((other) => other.ownerId).toSorted());
      deepEqual(await amounts(second, { ownerId: silent.ownerId }), [1_200, 5_000]);
      const rows = await collect(second.charges({}));
      deepEqual(rows.map((row) => [row.chargeId, row.outcome, row.certainty].join(' ')).toSorted(), [
        'a.1 owner-died estimate',
        'b.1 owner-died unpriced',
        'c.1 complete exact',
      ]);
      deepEqual(await second.openIntents(), []);
    },
  ],
  [
    'an estimate stands at the moment when its owner was ended, or of its intent where that is later',
    async ({ clock, open, endFirst }) => {
      const [silent, second] = [await open(), await open()];
      const laterMs = clock.nowMs() * 2;
      await silent.intend(sampleIntent(callIds('a')));
      await silent.intend(sampleIntent({ ...callIds('b'), atMs: laterMs }));
      await endFirst(silent, second);
      const rows = await collect(second.charges({}));
      deepEqual(
        rows.map((row) => [row.callId, row.atMs]),
        [
          ['a', clock.nowMs()],
          ['b', laterMs],
        ],
      );
    },
  ],
  [
    'closing ends the owner, and what it left open is charged to it at its upper bound there and then',
    async ({ open }) => {
      const [first, second] = [await open(), await open()];
      await first.intend(sampleIntent());
      await first.close();
      deepEqual(await living(second), [second.ownerId]);
      deepEqual(await second.openIntents(), []);
      equal(await spentBy(second, first.ownerId), 5_000);
    },
  ],
];

/**
 * The rules of ledgers with several owners, to be run by any test runner.
 * @param make - an empty storage; each rule gets its own.
 * @public
 */
export function ledgerOwnerConformance(make: () => Promise<LedgerStorage>): readonly ConformanceCase[] {
  return [...RECEIPTS, ...SPENDING, ...OWNERS, ...FENCING_RULES].map(([name, check]) => ({
    name,
    run: async (): Promise<void> => runRule(await make(), check),
  }));
}
