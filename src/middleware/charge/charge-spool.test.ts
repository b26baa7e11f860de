import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Charge } from '../../core/model/charge.ts';
import { NO_USAGE } from '../../core/model/usage.ts';
import { nanoUsd } from '../../core/money.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { ChargeSpool } from './charge-spool.ts';

const ignore = (): void => undefined;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function charge(chargeId: string): Charge {
  return {
    chargeId,
    callId: chargeId,
    kind: 'call',
    atMs: 1,
    project: 'p',
    keyId: 'k',
    tags: {},
    endpoint: 'chat',
    target: 'openai/m',
    servedModel: undefined,
    usage: NO_USAGE,
    certainty: 'exact',
    amountNanoUsd: nanoUsd(5),
    priceEntry: undefined,
    corrects: undefined,
    status: 200,
    outcome: 'complete',
  };
}

/** A ledger that fails while it is told to, for all charges or for one. */
function ledgerThatFails(): {
  ledger: Ledger;
  written: string[];
  fault: { isDown: boolean; poison?: string; tries: number };
} {
  const written: string[] = [];
  const fault: { isDown: boolean; poison?: string; tries: number } = { isDown: true, tries: 0 };
  const ledger: Ledger = {
    intend: async () => undefined,
    charge: async ([row]) => {
      fault.tries += 1;
      if (fault.isDown || row?.chargeId === fault.poison) throw new Error('disk full');
      written.push(row?.chargeId ?? '');
      return row === undefined ? [] : [{ ...row, ownerId: 'me', bookedAtMs: row.atMs }];
    },
    record: () => undefined,
    flush: async () => undefined,
    close: async () => undefined,
  };
  return { ledger, written, fault };
}

test('a charge that cannot be written waits, and is written once when the ledger works again', async () => {
  const { ledger, written, fault } = ledgerThatFails();
  const events: EngineEvent[] = [];
  const spool = new ChargeSpool({ ledger, events: { emit: (event) => events.push(event) } });
  await spool.write(charge('a'), ignore);
  await spool.write(charge('b'), ignore);
  expect(spool.size).toBe(2);
  expect(events[0]).toMatchObject({ kind: 'store-failed', store: 'ledger', operation: 'charge' });
  fault.isDown = false;
  await vi.advanceTimersByTimeAsync(100);
  expect(spool.size).toBe(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toEqual(['a', 'b']);
});

test('tries come ever more rarely, but at least every five seconds', async () => {
  const { ledger, fault } = ledgerThatFails();
  const spool = new ChargeSpool({ ledger, events: { emit: () => undefined } });
  await spool.write(charge('a'), ignore);
  await vi.advanceTimersByTimeAsync(3_200); // after 100, 300, 700, 1500 and 3100 ms
  expect(fault.tries).toBe(6);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(fault.tries).toBeGreaterThanOrEqual(11);
  expect(fault.tries).toBeLessThanOrEqual(13);
  expect(spool.size).toBe(1);
});

test('a charge that the ledger never takes does not hold up the others', async () => {
  const { ledger, written, fault } = ledgerThatFails();
  const spool = new ChargeSpool({ ledger, events: { emit: () => undefined } });
  await spool.write(charge('bad'), ignore);
  await spool.write(charge('good'), ignore);
  fault.isDown = false;
  fault.poison = 'bad';
  await vi.advanceTimersByTimeAsync(100);
  expect(written).toEqual(['good']);
  expect(spool.size).toBe(1);
});

test('it is full at its bound, keeps what comes all the same, and is open again when it is empty', async () => {
  const { ledger, written, fault } = ledgerThatFails();
  const spool = new ChargeSpool({ ledger, events: { emit: () => undefined }, maxWaiting: 2 });
  await spool.write(charge('a'), ignore);
  expect(spool.isFull).toBe(false);
  await spool.write(charge('b'), ignore);
  expect(spool.isFull).toBe(true);
  await spool.write(charge('c'), ignore);
  fault.isDown = false;
  await vi.advanceTimersByTimeAsync(100);
  expect(spool.isFull).toBe(false);
  expect(written).toEqual(['a', 'b', 'c']);
});

test('closing writes what waits, and gives up on a ledger that stays down', async () => {
  const working = ledgerThatFails();
  const spool = new ChargeSpool({ ledger: working.ledger, events: { emit: () => undefined } });
  await spool.write(charge('a'), ignore);
  working.fault.isDown = false;
  await spool.close();
  expect(working.written).toEqual(['a']);
  const down = ledgerThatFails();
  const stuck = new ChargeSpool({ ledger: down.ledger, events: { emit: () => undefined } });
  await stuck.write(charge('a'), ignore);
  const closing = stuck.close();
  await vi.advanceTimersByTimeAsync(4_000);
  await closing;
  expect(stuck.size).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});
