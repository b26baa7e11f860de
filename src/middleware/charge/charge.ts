import { FarthingError } from '../../core/errors.ts';
import type { Charge, Intent } from '../../core/model/charge.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { Call, Middleware, Outcome } from '../compose.ts';
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
      const target = call.state.plan?.targets[0] as Target;
      const intent = intentOf(call, target, options);
      await options.ledger.intend(intent);
      const hold = new HoldBack(call.receiver);
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

function intentOf(call: Call, target: Target, options: ChargeOptions): Intent {
  const { state } = call;
  state.attempts += 1;
  return {
    chargeId: `${call.id}.${state.attempts}`,
    callId: call.id,
    kind: 'call',
    atMs: options.clock.nowMs(),
    ownerId: options.ownerId,
    project: call.caller.project,
    keyId: call.caller.keyId,
    tags: state.tags,
    endpoint: call.endpoint,
    target: formatTarget(target),
    upperBoundNanoUsd: upperBound(call, target, options),
  };
}

/** Until there is a tokenizer, a prompt's bytes bound its tokens: no token is shorter than a byte. */
function upperBound(call: Call, target: Target, options: ChargeOptions): Intent['upperBoundNanoUsd'] {
  const isWordless = call.endpoint === 'embeddings' || call.endpoint === 'count-tokens';
  const maxOutputTokens = isWordless ? 0 : call.state.request?.maxOutputTokens;
  const samples = call.state.request?.samples ?? 1;
  return options.pricer.upperBound(
    target,
    { inputTokens: call.body.byteLength, maxOutputTokens, samples },
    call.arrivedAtMs,
  );
}

async function settle(
  call: Call,
  intent: Intent,
  outcome: Outcome,
  options: ChargeOptions,
  hold: HoldBack,
): Promise<void> {
  const charge = attemptCharge({
    intent,
    outcome,
    status: hold.status,
    error: hold.error,
    atMs: options.clock.nowMs(),
    estimatedInputTokens: estimatedInputTokens(call.body.byteLength),
    price: (usage, terms) => options.pricer.price(call.state.plan?.targets[0] as Target, usage, terms, intent.atMs),
  });
  call.state.charges.push(charge);
  if (outcome.kind === 'complete') noteAnswer(call, charge, outcome);
  report(call, charge, options);
  await options.spool.write(charge);
}

function noteAnswer(call: Call, charge: Charge, outcome: Outcome): void {
  call.state.answer = {
    source: 'provider',
    target: call.state.plan?.targets[0] as Target,
    servedModel: charge.servedModel,
    baselineUsage: charge.usage,
    usage: charge.usage,
    terms: outcome.facts?.terms ?? {},
  };
}

function report(call: Call, charge: Charge, options: ChargeOptions): void {
  if (charge.certainty === 'unpriced') {
    options.events.emit({ kind: 'unpriced-charged', callId: call.id, target: charge.target });
  } else if (charge.certainty === 'estimate') {
    options.events.emit({ kind: 'usage-missing', callId: call.id, target: charge.target });
  }
}
