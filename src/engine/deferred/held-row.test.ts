import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Charge, DEFERRED, type Intent } from '../../core/model/charge.ts';
import { nanoUsd, ZERO_USD } from '../../core/money.ts';
import { systemClock, systemRandom } from '../system-ports.ts';
import { MemoryLedger } from '../../stores/memory-ledger/memory-ledger.ts';
import { MemoryLedgerRows } from '../../stores/memory-ledger/memory-ledger-rows.ts';
import { openSqliteLedger } from '../../stores/sqlite/sqlite-ledger.ts';
import type { OwnedLedger } from '../../testing/ledger-owner-stage.ts';
import { sampleCharge, sampleIntent } from '../../testing/sample-ledger-rows.ts';
import { heldRow } from './held-row.ts';

/** Opens the same ledger again and again, each time as another owner. */
type Opens = () => Promise<OwnedLedger>;

function memoryOpens(): Opens {
  const rows = new MemoryLedgerRows(1000);
  const share = { rows, clock: systemClock, random: systemRandom, leaseMs: 60_000 };
  return () => Promise.resolve(new MemoryLedger({}, share));
}

function sqliteOpens(): Opens {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-held-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return () => openSqliteLedger({ path: join(folder, 'ledger.db'), clock: systemClock, random: systemRandom });
}

function held(callId: string): Charge {
  const amountNanoUsd = nanoUsd(1000);
  return sampleCharge({ callId, chargeId: `${callId}.1`, outcome: DEFERRED, certainty: 'estimate', amountNanoUsd });
}

function attempt(callId: string): Intent {
  return sampleIntent({ callId, chargeId: `${callId}.1.2`, upperBoundNanoUsd: ZERO_USD });
}

function ended(callId: string, own: Partial<Charge> = {}): Charge {
  const nothing = { certainty: 'none', amountNanoUsd: ZERO_USD, outcome: 'provider-error' } as const;
  return sampleCharge({ callId, chargeId: `${callId}.1.2`, ...nothing, ...own });
}

test.each([
  ['memory', memoryOpens],
  ['SQLite', sqliteOpens],
])(
  'held money is whole unless an attempt on the strength of it cost something, is under way, or died: %s',
  async (_kind, opensOf) => {
    const open = opensOf();
    const ledger = await open();
    const callIds = ['call_idle', 'call_failed', 'call_spent', 'call_died', 'call_own'];
    await ledger.charge(callIds.map(held));
    await Promise.all(['call_failed', 'call_spent', 'call_died'].map((callId) => ledger.intend(attempt(callId))));
    const isWhole = async (reader: OwnedLedger): Promise<readonly boolean[]> =>
      Promise.all(callIds.map(async (callId) => (await heldRow(reader, callId)).isWhole));
    expect(await isWhole(ledger)).toEqual([true, false, false, false, true]);
    await ledger.charge([ended('call_failed')]);
    await ledger.charge([{ ...held('call_spent'), outcome: 'complete', amountNanoUsd: nanoUsd(300) }]);
    await ledger.charge([ended('call_spent')]);
    // An attempt with money of its own says nothing of what is held.
    await ledger.intend(sampleIntent({ callId: 'call_own', chargeId: 'call_own.2', upperBoundNanoUsd: nanoUsd(700) }));
    expect(await isWhole(ledger)).toEqual([true, true, false, false, true]);
    await ledger.close();
    const next = await open();
    onTestFinished(() => next.close());
    expect(await isWhole(next)).toEqual([true, true, false, false, true]);
    // It was alive after all, and its attempt cost nothing.
    await next.charge([ended('call_died')]);
    expect(await isWhole(next)).toEqual([true, true, false, true, true]);
  },
);
