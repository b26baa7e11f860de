import { deepEqual, equal, rejects } from 'node:assert/strict';
import { isFarthingError } from '../core/errors.ts';
import { type CallRecord, type Charge, DEFERRED, type Intent } from '../core/model/charge.ts';
import { NO_USAGE } from '../core/model/usage.ts';
import { nanoUsd, ZERO_USD } from '../core/money.ts';
import type { Ledger, LedgerQuery, LedgerReader } from '../ports/ledger.ts';
import { collect } from './collect.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { sampleCallRecord, sampleCharge, sampleIntent } from './sample-ledger-rows.ts';

/** A ledger that can be read again. @public */
export type ReadableLedger = Ledger & LedgerReader;
type LedgerRule = readonly [rule: string, check: (ledger: ReadableLedger) => Promise<void>];

async function chargesOf(ledger: ReadableLedger, query: LedgerQuery = {}): Promise<readonly Charge[]> {
  return collect(ledger.charges(query));
}

async function callsOf(ledger: ReadableLedger, query: LedgerQuery = {}): Promise<readonly CallRecord[]> {
  return collect(ledger.calls(query));
}

async function chargeIds(ledger: ReadableLedger, query: LedgerQuery): Promise<readonly string[]> {
  return (await chargesOf(ledger, query)).map((charge) => charge.chargeId);
}

/** Open intents without their owner: a ledger with leases puts its own there. */
async function openIntents(ledger: ReadableLedger): Promise<readonly Intent[]> {
  const { ownerId } = sampleIntent();
  return (await ledger.openIntents()).map((intent) => Object.assign({}, intent, { ownerId }));
}

function isUnavailable(error: unknown): boolean {
  return isFarthingError(error) && error.code === 'store-unavailable';
}

const WRITING: readonly LedgerRule[] = [
  [
    'an intent is open until the charge of its id comes',
    async (ledger) => {
      const other = sampleIntent({ chargeId: 'call_2.1', callId: 'call_2', atMs: 900, upperBoundNanoUsd: undefined });
      await Promise.all([ledger.intend(sampleIntent()), ledger.intend(other)]);
      deepEqual(await openIntents(ledger), [other, sampleIntent()]);
      await ledger.charge([sampleCharge()]);
      deepEqual(await openIntents(ledger), [other]);
    },
  ],
  [
    'an intent handed over twice is one',
    async (ledger) => {
      await ledger.intend(sampleIntent());
      await ledger.intend(sampleIntent());
      equal((await ledger.openIntents()).length, 1);
    },
  ],
  [
    'a charge handed over twice is one, and the first one counts',
    async (ledger) => {
      await ledger.charge([sampleCharge()]);
      await ledger.charge([sampleCharge(), sampleCharge({ amountNanoUsd: nanoUsd(9) })]);
      deepEqual(await chargesOf(ledger), [sampleCharge()]);
    },
  ],
  [
    'a charge that holds the money of a deferred call is corrected once by the true one, and holding it again changes nothing',
    async (ledger) => {
      const held = sampleCharge({ certainty: 'estimate', outcome: DEFERRED, amountNanoUsd: nanoUsd(5_000) });
      await ledger.charge([held]);
      const [again] = await ledger.charge([held]);
      deepEqual([again?.amountNanoUsd, (await chargesOf(ledger)).length], [5_000, 1]);
      const [first] = await ledger.charge([sampleCharge()]);
      const [second] = await ledger.charge([sampleCharge({ amountNanoUsd: nanoUsd(9) })]);
      await ledger.charge([held]);
      equal(first?.amountNanoUsd, 1_200 - 5_000);
      deepEqual(second, first);
      const rows = await chargesOf(ledger);
      deepEqual(
        rows.map(({ chargeId, corrects, amountNanoUsd }) => [chargeId, corrects, amountNanoUsd]),
        [
          [held.chargeId, undefined, 5_000],
          [`${held.chargeId}.c1`, held.chargeId, -3_800],
        ],
      );
    },
  ],
  [
    'a charge without an intent is kept',
    async (ledger) => {
      await ledger.charge([sampleCharge({ chargeId: 'call_9.1', callId: 'call_9' })]);
      equal((await chargesOf(ledger)).length, 1);
    },
  ],
  [
    'charges come back as they were written',
    async (ledger) => {
      const bare = sampleCharge({
        chargeId: 'call_1.2',
        kind: 'judge',
        tags: {},
        servedModel: undefined,
        usage: NO_USAGE,
        certainty: 'unpriced',
        amountNanoUsd: undefined,
        priceEntry: undefined,
        status: undefined,
        outcome: 'broken-stream',
      });
      const odd = sampleCharge({
        chargeId: 'call_1.1.c1',
        tags: { 'weird "name"\u0000': "it's; DROP TABLE charges --", user: 'żółw 🐢' },
        amountNanoUsd: nanoUsd(-Number.MAX_SAFE_INTEGER),
        corrects: 'call_1.1',
      });
      const free = sampleCharge({ chargeId: 'call_1.3', certainty: 'none', amountNanoUsd: ZERO_USD, status: 429 });
      await ledger.charge([sampleCharge(), bare, odd, free]);
      deepEqual(await chargesOf(ledger), [sampleCharge(), bare, odd, free]);
    },
  ],
  [
    'call records come back as they were written, once each',
    async (ledger) => {
      const bare = sampleCallRecord({
        callId: 'call_2',
        target: undefined,
        servedModel: undefined,
        costNanoUsd: undefined,
        baselineNanoUsd: undefined,
        savedNanoUsd: undefined,
        savedParts: undefined,
        firstByteMs: undefined,
        missedByMode: { mode: 'all', nanoUsd: nanoUsd(7) },
        isStream: true,
        tags: {},
        decisions: [],
      });
      ledger.record(sampleCallRecord());
      ledger.record(sampleCallRecord());
      ledger.record(bare);
      await ledger.flush();
      deepEqual(await callsOf(ledger), [sampleCallRecord(), bare]);
    },
  ],
  [
    'hundreds of charges at once are all kept',
    async (ledger) => {
      const ids = Array.from({ length: 300 }, (_, index) => `call_${index}`);
      await Promise.all(ids.map((callId) => ledger.intend(sampleIntent({ callId, chargeId: `${callId}.1` }))));
      await Promise.all(ids.map((callId) => ledger.charge([sampleCharge({ callId, chargeId: `${callId}.1` })])));
      equal((await chargesOf(ledger)).length, 300);
      deepEqual(await ledger.openIntents(), []);
    },
  ],
  [
    'a closed ledger refuses by name',
    async (ledger) => {
      await ledger.close();
      await rejects(ledger.intend(sampleIntent()), isUnavailable);
      await rejects(ledger.charge([sampleCharge()]), isUnavailable);
    },
  ],
];

const READING: readonly LedgerRule[] = [
  [
    'a query chooses by time, project, key and call, from inclusive and until exclusive',
    async (ledger) => {
      const first = sampleCharge({ chargeId: 'a.1', callId: 'a', atMs: 1, project: 'p', keyId: 'k' });
      const second = sampleCharge({ chargeId: 'b.1', callId: 'b', atMs: 2, project: 'q', keyId: 'k' });
      const third = sampleCharge({ chargeId: 'b.2', callId: 'b', atMs: 3, project: 'q', keyId: 'l' });
      await ledger.charge([third, first, second]);
      deepEqual(await chargeIds(ledger, {}), ['a.1', 'b.1', 'b.2']);
      deepEqual(await chargeIds(ledger, { fromMs: 2 }), ['b.1', 'b.2']);
      deepEqual(await chargeIds(ledger, { untilMs: 2 }), ['a.1']);
      deepEqual(await chargeIds(ledger, { project: 'q', keyId: 'k' }), ['b.1']);
      deepEqual(await chargeIds(ledger, { callId: 'b' }), ['b.1', 'b.2']);
      deepEqual(await chargeIds(ledger, { callId: 'b', untilMs: 1 }), []);
    },
  ],
  [
    'a limit takes from the end that the order names',
    async (ledger) => {
      for (const atMs of [1, 2, 3]) ledger.record(sampleCallRecord({ callId: `call_${atMs}`, atMs }));
      await ledger.flush();
      const ids = async (query: LedgerQuery): Promise<readonly string[]> =>
        (await callsOf(ledger, query)).map((record) => record.callId);
      deepEqual(await ids({ limit: 2 }), ['call_1', 'call_2']);
      deepEqual(await ids({ limit: 2, order: 'newest' }), ['call_3', 'call_2']);
      deepEqual(await ids({ limit: 0 }), []);
    },
  ],
  [
    'thousands of rows of one moment are read whole and in the order written',
    async (ledger) => {
      const ids = Array.from({ length: 2_500 }, (_, index) => `call_${index}.1`);
      await ledger.charge(ids.map((chargeId) => sampleCharge({ chargeId })));
      deepEqual(await chargeIds(ledger, {}), ids);
      deepEqual(await chargeIds(ledger, { order: 'newest' }), ids.toReversed());
    },
  ],
  [
    'a report takes costs from charges and savings from calls',
    async (ledger) => {
      const hit = { cacheStatus: 'hit', costNanoUsd: ZERO_USD, savedNanoUsd: nanoUsd(1_500) } as const;
      await ledger.charge([
        sampleCharge(),
        sampleCharge({ chargeId: 'call_2.1', callId: 'call_2', certainty: 'estimate', amountNanoUsd: nanoUsd(10) }),
        sampleCharge({ chargeId: 'call_3.1', callId: 'call_3', certainty: 'unpriced', amountNanoUsd: undefined }),
        sampleCharge({ chargeId: 'old.1', callId: 'old', atMs: 1 }),
      ]);
      ledger.record(sampleCallRecord({ missedByMode: { mode: 'declared', nanoUsd: nanoUsd(4) } }));
      ledger.record(sampleCallRecord({ callId: 'call_4', ...hit }));
      await ledger.flush();
      const row = {
        calls: 2,
        hits: 1,
        inputTokens: 360n,
        outputTokens: 90n,
        costNanoUsd: 1_210n,
        estimatedNanoUsd: 10n,
        baselineNanoUsd: 3_000n,
        savedNanoUsd: 1_800n,
        unpricedCharges: 1,
        missedByModeNanoUsd: 4n,
      };
      deepEqual(await ledger.report('tag:user', { fromMs: 1_000 }), [{ group: 'alice', ...row }]);
      deepEqual(await ledger.report('model', { fromMs: 1_000 }), [{ group: 'openai/gpt-5.4-mini', ...row }]);
    },
  ],
  [
    'a corrected estimate is no estimate any more, and both rows make the true cost',
    async (ledger) => {
      await ledger.charge([
        sampleCharge({ certainty: 'estimate', usage: NO_USAGE, amountNanoUsd: nanoUsd(5_000) }),
        sampleCharge({ chargeId: 'call_1.1.c1', amountNanoUsd: nanoUsd(-3_800), corrects: 'call_1.1', atMs: 2_000 }),
      ]);
      const [row] = await ledger.report('project', {});
      equal(row?.costNanoUsd, 1_200n);
      equal(row?.estimatedNanoUsd, 0n);
    },
  ],
];

/**
 * The rules of a ledger, to be run by any test runner.
 * @param make - opens an empty ledger; each rule gets its own, and closes it.
 * @public
 */
export function ledgerConformance(make: () => Promise<ReadableLedger>): readonly ConformanceCase[] {
  return [...WRITING, ...READING].map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const ledger = await make();
      try {
        await check(ledger);
      } finally {
        await ledger.close();
      }
    },
  }));
}
