import { expect, test } from 'vitest';
import { NotingReceiver, fakeAttempt, fakeCall } from '../../../test/support/fake-call.ts';
import { HeldMoney } from '../../core/batch/held-money.ts';
import { FarthingError } from '../../core/errors.ts';
import { nanoUsd } from '../../core/money.ts';
import type { Charge, Intent } from '../../core/model/charge.ts';
import type { ChargeReceipt, Ledger } from '../../ports/ledger.ts';
import type { Pricer } from '../../ports/pricer.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { Call, CallHold, Outcome } from '../compose.ts';
import { chargeMiddleware } from './charge.ts';
import { ChargeSpool } from './charge-spool.ts';

const TARGET = { provider: 'openai', model: 'm' };
const REFUSED: Outcome = { kind: 'refused', facts: undefined };

/** Writes down what it is handed, and can be told to refuse intents. */
class NotingLedger implements Ledger {
  readonly intents: (readonly [Intent, string | undefined])[] = [];
  readonly charges: Charge[] = [];
  isDown = false;

  async intend(intent: Intent, asOwner?: string): Promise<void> {
    this.intents.push([intent, asOwner]);
    if (this.isDown) throw new FarthingError('store-unavailable', 'down', { retryable: true });
  }
  async charge(charges: readonly Charge[]): Promise<readonly ChargeReceipt[]> {
    this.charges.push(...charges);
    return charges.map(({ chargeId, atMs, amountNanoUsd }) => ({
      chargeId,
      ownerId: 'o',
      amountNanoUsd,
      atMs,
      bookedAtMs: atMs,
    }));
  }
  record(): void {
    this.isDown = false;
  }
  async flush(): Promise<void> {
    this.isDown = false;
  }
  async close(): Promise<void> {
    this.isDown = true;
  }
}

interface Held {
  readonly hold: CallHold;
  /** What was covered, set aside and settled, in turn. */
  readonly steps: string[];
}

function held(isHard: boolean, earliestChargeMs: number = 0): Held {
  const steps: string[] = [];
  const hold: CallHold = {
    isHard,
    ownerId: 'owner-1',
    earliestChargeMs,
    boundOf: () => ({ amountNanoUsd: nanoUsd(500), outputTokens: undefined }),
    cover: async (_target, amount) => void steps.push(`cover ${amount}`),
    pend: (_target, amount) => {
      steps.push(`pend ${amount}`);
      return { settle: (receipt) => void steps.push(`settle ${receipt.amountNanoUsd}`) };
    },
  };
  return { hold, steps };
}

async function run(
  ledger: NotingLedger,
  { hold }: Held,
  outcome: Outcome = REFUSED,
  more: Partial<Pick<Call, 'kind' | 'held'>> = {},
): Promise<Outcome> {
  const events = { emit: () => undefined };
  const clock = new FakeClock(1000);
  const pricer = { price: () => undefined } as unknown as Pricer;
  const spool = new ChargeSpool({ ledger, events });
  const { handle } = chargeMiddleware({ ledger, spool, pricer, events, clock, ownerId: 'o' });
  const call: Call = fakeCall('c', new NotingReceiver());
  call.state.plan = { asked: 'm', baseline: TARGET, targets: [TARGET] };
  call.state.hold = hold;
  return handle({ ...call, ...more, attempt: fakeAttempt(TARGET) }, () => Promise.resolve(outcome));
}

test('under a hard budget an intent is for the owner that holds its money, at the bound that is held', async () => {
  const ledger = new NotingLedger();
  const money = held(true);
  await run(ledger, money);
  expect(ledger.intents).toMatchObject([[{ chargeId: 'c.1', upperBoundNanoUsd: 500 }, 'owner-1']]);
  expect(money.steps).toEqual(['cover 500', 'pend 500', 'settle 0']);
});

function heldMoney(target = 'openai/m', mayUse = true): HeldMoney {
  return new HeldMoney({ amountNanoUsd: nanoUsd(300), target, mayUse: () => mayUse });
}

test('an attempt on the strength of what the ledger holds needs of its own what it may cost beyond that', async () => {
  const ledger = new NotingLedger();
  const [money, there] = [held(true), heldMoney()];
  await run(ledger, money, REFUSED, { held: there });
  expect(ledger.intents).toMatchObject([[{ chargeId: 'c.1.1', upperBoundNanoUsd: 200 }, 'owner-1']]);
  expect(money.steps).toEqual(['cover 200', 'pend 200', 'settle 0']);
  expect(ledger.charges).toMatchObject([{ chargeId: 'c.1.1', amountNanoUsd: 0 }]);
  expect(there.isFor('openai/m')).toBe(true);
});

test.each([
  ['of another target', heldMoney('openai/other'), 'call'],
  ['that another process may spend by now', heldMoney('openai/m', false), 'call'],
  ['of a call, for a side call', heldMoney(), 'judge'],
] as const)('money %s is not spent', async (_whose, there, kind) => {
  const ledger = new NotingLedger();
  const money = held(true);
  await run(ledger, money, REFUSED, { held: there, kind });
  expect(ledger.intents).toMatchObject([[{ chargeId: 'c.1', upperBoundNanoUsd: 500 }, 'owner-1']]);
  expect(money.steps).toEqual(['cover 500', 'pend 500', 'settle 0']);
});

test('without a hard budget an intent is for whoever this process is', async () => {
  const ledger = new NotingLedger();
  const money = held(false);
  await run(ledger, money);
  expect(ledger.intents).toMatchObject([[{ upperBoundNanoUsd: 500 }, undefined]]);
  expect(money.steps).toEqual(['pend 500', 'settle 0']);
});

test('an intent that failed may stand all the same: its money is held until a charge of nothing is there', async () => {
  const ledger = new NotingLedger();
  ledger.isDown = true;
  const money = held(true);
  await expect(run(ledger, money)).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect.poll(() => money.steps).toEqual(['cover 500', 'pend 500', 'settle 0']);
  expect(ledger.charges).toMatchObject([{ chargeId: 'c.1', certainty: 'none', amountNanoUsd: 0 }]);
});

test('no charge is dated before the line from which on its process counts', async () => {
  const ledger = new NotingLedger();
  await run(ledger, held(true, 5000));
  expect(ledger.charges[0]?.atMs).toBe(5000);
});

test('a side call is one in the ledger, as intent and as charge', async () => {
  const ledger = new NotingLedger();
  await run(ledger, held(false), REFUSED, { kind: 'summary' });
  expect(ledger.intents).toMatchObject([[{ kind: 'summary' }, undefined]]);
  expect(ledger.charges).toMatchObject([{ kind: 'summary' }]);
});
