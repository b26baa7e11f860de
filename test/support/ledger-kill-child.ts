// A process that writes a ledger until it dies. Every line on its standard output is an acknowledgement:
// `i <charge id>` for a durable intent, `c <charge id>` for a durable charge, `f <charge id> <code>` for a refusal.
// `o <owner id>` says whom the ledger writes for.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { isFarthingError } from '../../src/core/errors.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import { sampleCallRecord, sampleCharge, sampleIntent } from '../../src/testing/sample-ledger-rows.ts';
import { openLedger } from './open-ledger.ts';

const [place = '', mode = 'load', name = 'child', leaseMs = '15000'] = process.argv.slice(2);
const CONCURRENCY = 16;

function say(line: string): void {
  process.stdout.write(`${line}\n`); // a pipe is written before this returns
}

const ledger = await openLedger(place, Number(leaseMs));

async function attempt(callId: string, pause: () => Promise<unknown>): Promise<void> {
  const ids = { callId, chargeId: `${callId}.1`, atMs: systemClock.nowMs() };
  await ledger.intend(sampleIntent(ids));
  say(`i ${ids.chargeId}`);
  await pause();
  ledger.record(sampleCallRecord({ callId, atMs: ids.atMs }));
  await ledger.charge([sampleCharge(ids)]);
  say(`c ${ids.chargeId}`);
}

async function load(lane: number): Promise<void> {
  for (let number = 0; ; number += 1) {
    const callId = `${name}-${lane}-${number}`;
    try {
      // oxlint-disable-next-line no-await-in-loop -- a lane is one client
      await attempt(callId, () => delay(systemRandom.fraction() * 4));
    } catch (error) {
      say(`f ${callId}.1 ${isFarthingError(error) ? error.code : String(error)}`);
      return;
    }
  }
}

if (mode === 'load') {
  say('ready');
  await Promise.all(Array.from({ length: CONCURRENCY }, (_, lane) => load(lane)));
} else {
  say(`o ${ledger.ownerId}`);
  await attempt(name, () => once(process.stdin, 'data'));
  await attempt(`${name}-next`, () => delay(0));
  say(`o ${ledger.ownerId}`);
}
process.exit(0);
