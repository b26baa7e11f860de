import { FarthingError } from '../../core/errors.ts';
import type { Charge, Intent } from '../../core/model/charge.ts';
import type { Usage } from '../../core/model/usage.ts';
import { addUsd, nanoUsd, ZERO_USD } from '../../core/money.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Pricer } from '../../ports/pricer.ts';
import { type AttemptBound, attemptOf, type Call, type Middleware, type Outcome } from '../compose.ts';
import { attemptCharge, estimatedInputTokens } from './attempt-charge.ts';
import type { ChargeSpool } from './charge-spool.ts';
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
      const bound = await coveredBound(call, target);
      const intent = intentOf(call, target, bound, options);
      const hold = new HoldBack(call.receiver);
      await intend(call, intent, options, hold);
      let outcome: Outcome;
      try {
        outcome = await next({ ...call, receiver: hold });
      } catch (error) {
        await settle(call, intent, { kind: 'refused', facts: undefined }, options, hold);
        throw error;
      }
      await settle(call, intent, outcome, options, hold);
      hold.release();
      return outcome;
    },
  };
}

/** Writes the intent. Where that fails it may stand in the ledger all the same: its money stays held until a charge of nothing is there. */
async function intend(call: Call, intent: Intent, options: ChargeOptions, reply: HoldBack): Promise<void> {
  const { hold } = call.state;
  try {
    await options.ledger.intend(intent, hold?.isHard === true ? hold.ownerId : undefined);
  } catch (error) {
    void settle(call, intent, { kind: 'refused', facts: undefined }, options, reply);
    throw error;
  }
}

/** The bound of an attempt, for which there is room in what the call holds. */
async function coveredBound(call: Call, target: Target): Promise<AttemptBound | undefined> {
  const { state } = call;
  const { hold } = state;
  const bound = hold?.boundOf(target, attemptOf(call).continues?.addedBytes);
  if (call.purse?.take(bound?.amountNanoUsd) === false) {
    throw new FarthingError('budget-spent', 'what these calls may spend together does not suffice for this one');
  }
  try {
    return await heldBound(call, target, bound);
  } catch (error) {
    call.purse?.settle(bound?.amountNanoUsd, ZERO_USD);
    throw error;
  }
}

async function heldBound(
  call: Call,
  target: Target,
  bound: AttemptBound | undefined,
): Promise<AttemptBound | undefined> {
  const { state } = call;
  const { hold } = state;
  if (hold === undefined || !hold.isHard) return bound;
  if (bound === undefined)
    throw new FarthingError('unpriced-model', 'a target of this model has no price, and a hard budget is set');
  // Before the wait: another attempt of the call may ask meanwhile.
  const { spending } = state;
  spending.uncharged = addUsd(spending.uncharged, bound.amountNanoUsd);
  try {
    await hold.cover(target, spending.uncharged);
  } catch (error) {
    spending.uncharged = nanoUsd(spending.uncharged - bound.amountNanoUsd);
    throw error;
  }
  return bound;
}

function intentOf(call: Call, target: Target, bound: AttemptBound | undefined, options: ChargeOptions): Intent {
  const { state } = call;
  state.spending.attempts += 1;
  return {
    chargeId: `${call.id}.${state.spending.attempts}`,
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
  intent: Intent,
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
  const { state } = call;
  const { spending } = state;
  spending.uncharged = nanoUsd(Math.max(0, spending.uncharged - (intent.upperBoundNanoUsd ?? 0)));
  // As long as the charge is not there the intent stands for it: should this process die, its whole bound is charged.
  const heldNanoUsd = nanoUsd(Math.max(charge.amountNanoUsd ?? 0, intent.upperBoundNanoUsd ?? 0));
  const pending = state.hold?.pend(target, heldNanoUsd, charge.atMs);
  await options.spool.write(charge, (receipt) => pending?.settle(receipt));
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
