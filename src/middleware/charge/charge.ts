import { FarthingError } from '../../core/errors.ts';
import type { Charge, Intent } from '../../core/model/charge.ts';
import type { Usage } from '../../core/model/usage.ts';
import { addUsd, type NanoUsd, nanoUsd, ZERO_USD } from '../../core/money.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { ChargeReceipt, Ledger } from '../../ports/ledger.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { HeldMoney } from '../../core/batch/held-money.ts';
import { type AttemptBound, attemptOf, type Call, type Middleware, type Outcome } from '../compose.ts';
import { attemptCharge, estimatedInputTokens } from './attempt-charge.ts';
import type { ChargeSpool } from './charge-spool.ts';
import { heldAttemptPrefix, heldCharges, heldDifference } from './held-charges.ts';
import { HoldBack } from './hold-back.ts';

/** What {@link chargeMiddleware} needs. @internal */
export interface ChargeOptions {
  readonly ledger: Ledger;
  readonly spool: ChargeSpool;
  readonly pricer: Pricer;
  readonly events: EventSink;
  readonly clock: Clock;
  /** Names this process in the ledger. */
  readonly ownerId: string;
}

const REFUSED: Outcome = { kind: 'refused', facts: undefined };

/** An attempt and what pays for it. */
interface PaidAttempt {
  readonly intent: Intent;
  readonly money: AttemptMoney;
}

/** The money of one attempt. */
interface AttemptMoney {
  /** The most that it can cost; undefined: nobody can say. */
  readonly bound: AttemptBound | undefined;
  /** What the ledger holds for the call, where the attempt is made on the strength of that. */
  readonly held: HeldMoney | undefined;
  /** What of the bound the call needs of its own. */
  readonly ownNanoUsd: NanoUsd | undefined;
}

/**
 * Writes the intent before the attempt leaves and the charge before the last byte reaches the client; that byte is held back
 * until the charge is durable. Refuses the call when the intent cannot be written, or while too many charges wait for a ledger that is down.
 * @internal
 */
export function chargeMiddleware(options: ChargeOptions): Middleware {
  return {
    name: 'charge',
    async handle(call, next) {
      if (options.spool.isFull) {
        throw new FarthingError('store-unavailable', 'the ledger is down: no call can be charged at the moment', {
          retryable: true,
        });
      }
      const { target } = attemptOf(call);
      const money = await coveredMoney(call, target);
      const attempt = { intent: intentOf(call, target, money, options), money };
      const hold = new HoldBack(call.receiver);
      await intend(call, attempt, options, hold);
      let outcome: Outcome;
      try {
        outcome = await next({ ...call, receiver: hold });
      } catch (error) {
        await settle(call, attempt, REFUSED, options, hold);
        throw error;
      }
      await settle(call, attempt, outcome, options, hold);
      hold.release();
      return outcome;
    },
  };
}

/** Writes the intent. Where that fails it may stand in the ledger all the same: its money stays held until a charge of nothing is there. */
async function intend(call: Call, attempt: PaidAttempt, options: ChargeOptions, reply: HoldBack): Promise<void> {
  const { hold } = call.state;
  const { intent, money } = attempt;
  // Held money is spent by one: a process that was taken for dead must not.
  const isOwners = hold?.isHard === true || money.held !== undefined;
  try {
    await options.ledger.intend(
      money.held === undefined ? intent : { ...intent, upperBoundNanoUsd: money.ownNanoUsd },
      isOwners ? hold?.ownerId : undefined,
    );
  } catch (error) {
    void settle(call, attempt, REFUSED, options, reply);
    throw error;
  }
}

/** The bound of an attempt, for which there is room in what the call holds, or in what the ledger holds for it. */
async function coveredMoney(call: Call, target: Target): Promise<AttemptMoney> {
  const bound = call.state.hold?.boundOf(target, attemptOf(call).continues?.addedBytes);
  if (call.purse?.take(bound?.amountNanoUsd) === false) {
    throw new FarthingError('budget-spent', 'what these calls may spend together does not suffice for this one');
  }
  const isHeld = call.kind === 'call' && call.held?.take(formatTarget(target)) === true;
  const held = isHeld ? call.held : undefined;
  const ownNanoUsd = bound && nanoUsd(Math.max(0, bound.amountNanoUsd - (held?.amountNanoUsd ?? 0)));
  try {
    await cover(call, target, ownNanoUsd);
  } catch (error) {
    call.purse?.settle(bound?.amountNanoUsd, ZERO_USD);
    held?.settle('none');
    throw error;
  }
  return { bound, held, ownNanoUsd };
}

async function cover({ state }: Call, target: Target, ownNanoUsd: NanoUsd | undefined): Promise<void> {
  const { hold } = state;
  if (hold === undefined || !hold.isHard) return;
  if (ownNanoUsd === undefined)
    throw new FarthingError('unpriced-model', 'a target of this model has no price, and a hard budget is set');
  // Before the wait: another attempt of the call may ask meanwhile.
  const { spending } = state;
  spending.uncharged = addUsd(spending.uncharged, ownNanoUsd);
  try {
    await hold.cover(target, spending.uncharged);
  } catch (error) {
    spending.uncharged = nanoUsd(spending.uncharged - ownNanoUsd);
    throw error;
  }
}

function intentOf(call: Call, target: Target, { bound, held }: AttemptMoney, options: ChargeOptions): Intent {
  const { state } = call;
  state.spending.attempts += 1;
  const prefix = held === undefined ? `${call.id}.` : heldAttemptPrefix(call.id);
  return {
    chargeId: `${prefix}${state.spending.attempts}`,
    callId: call.id,
    kind: call.kind,
    atMs: options.clock.nowMs(),
    ownerId: options.ownerId,
    project: call.caller.project,
    keyId: call.caller.keyId,
    tags: state.tags,
    endpoint: call.endpoint,
    target: formatTarget(target),
    upperBoundNanoUsd: bound?.amountNanoUsd,
  };
}

async function settle(
  call: Call,
  { intent, money }: PaidAttempt,
  outcome: Outcome,
  options: ChargeOptions,
  hold: HoldBack,
): Promise<void> {
  const { target } = attemptOf(call);
  const charge = attemptCharge({
    intent,
    outcome,
    status: hold.status,
    error: hold.error,
    atMs: Math.max(options.clock.nowMs(), call.state.hold?.earliestChargeMs ?? 0),
    estimatedInputTokens: estimatedInputTokens(call.body.byteLength + (attemptOf(call).continues?.addedBytes ?? 0)),
    price: (usage, terms) => options.pricer.price(target, usage, terms, intent.atMs),
  });
  call.state.spending.charges.push(charge);
  call.purse?.settle(intent.upperBoundNanoUsd, charge.amountNanoUsd);
  if (outcome.kind === 'complete' && attemptOf(call).mayAnswer(outcome)) noteAnswer(call, charge, outcome);
  report(call, charge, intent, options);
  const { spending } = call.state;
  spending.uncharged = nanoUsd(Math.max(0, spending.uncharged - (money.ownNanoUsd ?? 0)));
  await writeCharge(call, charge, money, options);
}

async function writeCharge(call: Call, charge: Charge, money: AttemptMoney, options: ChargeOptions): Promise<void> {
  const { held, ownNanoUsd = ZERO_USD } = money;
  // As long as the charge is not there the intent stands for it: should this process die, its whole bound is charged.
  const write = (own: Charge): Promise<void> => {
    const heldNanoUsd = nanoUsd(Math.max(own.amountNanoUsd ?? 0, ownNanoUsd));
    return writeRow(call, own, heldNanoUsd, options);
  };
  if (held === undefined) return write(charge);
  const { held: replacing, own } = heldCharges(charge, held.amountNanoUsd);
  held.settle(charge.certainty);
  if (replacing === undefined) return write(charge);
  const difference = heldDifference(replacing, held.amountNanoUsd);
  let rest: Promise<void> | undefined;
  await writeRow(call, replacing, ZERO_USD, options, ({ amountNanoUsd }) => {
    rest = write(own(amountNanoUsd === difference));
  });
  return rest;
}

/** @param heldNanoUsd - what the call holds for it, which is set aside until the row is durable. */
async function writeRow(
  call: Call,
  charge: Charge,
  heldNanoUsd: NanoUsd,
  { spool }: ChargeOptions,
  onWritten: (receipt: ChargeReceipt) => void = () => undefined,
): Promise<void> {
  const pending = call.state.hold?.pend(attemptOf(call).target, heldNanoUsd, charge.atMs);
  await spool.write(charge, (receipt) => {
    pending?.settle(receipt);
    onWritten(receipt);
  });
}

function noteAnswer(call: Call, charge: Charge, outcome: Outcome): void {
  const { target, changes } = attemptOf(call);
  let baselineUsage = charge.usage;
  let unplannedUsage: Usage | undefined;
  for (const change of changes.toReversed()) {
    baselineUsage = change.usageWithout(baselineUsage);
    if (change.step === 'prefix') unplannedUsage = baselineUsage;
  }
  call.state.answer = {
    source: 'provider',
    target,
    servedModel: charge.servedModel,
    baselineUsage,
    unplannedUsage,
    usage: charge.usage,
    terms: outcome.facts?.terms ?? {},
    charge,
  };
}

function report(call: Call, charge: Charge, intent: Intent, options: ChargeOptions): void {
  const { upperBoundNanoUsd: boundNanoUsd } = intent;
  const { amountNanoUsd } = charge;
  if (boundNanoUsd !== undefined && amountNanoUsd !== undefined && amountNanoUsd > boundNanoUsd) {
    options.events.emit({ kind: 'budget-overrun', callId: call.id, boundNanoUsd, amountNanoUsd });
  }
  if (charge.certainty === 'unpriced') {
    options.events.emit({ kind: 'unpriced-charged', callId: call.id, target: charge.target });
  } else if (charge.certainty === 'estimate') {
    options.events.emit({ kind: 'usage-missing', callId: call.id, target: charge.target });
  }
}
