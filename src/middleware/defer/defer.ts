import { knownRefusals } from '../../core/adapt/known-refusals.ts';
import type { RefusedParameter } from '../../core/adapt/refused-parameter.ts';
import { FarthingError } from '../../core/errors.ts';
import { type Charge, DEFERRED } from '../../core/model/charge.ts';
import { BATCH_ATTEMPT } from '../../core/model/deferred-call.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { NO_USAGE } from '../../core/model/usage.ts';
import { type NanoUsd, ZERO_USD } from '../../core/money.ts';
import type { Clock } from '../../ports/clock.ts';
import { attemptBody } from '../attempt-body.ts';
import {
  type AcceptedCall,
  type Attempt,
  type Call,
  decide,
  type Deferral,
  type DeferredReply,
  type Middleware,
  type Next,
  type Outcome,
  type RoutePlan,
} from '../compose.ts';
import { deferredCallOf } from './deferred-call-of.ts';

/** What {@link deferMiddleware} needs. @internal */
export interface DeferOptions {
  /** Whose models a target's provider has. */
  readonly vendorOf: (target: Target) => string | undefined;
  /** Makes the prompt cheaper, as before any attempt. Undefined: it stays as it is. */
  readonly optimise: Middleware | undefined;
  /**
   * Writes a charge, and tells it when that is durable; what cannot be written now is tried again.
   * Resolves when it is written or waits to be.
   */
  readonly write: (charge: Charge, onWritten: (receipt: Receipt) => void) => Promise<void>;
  readonly clock: Clock;
}

type Receipt = Parameters<ReturnType<NonNullable<Call['state']['hold']>['pend']>['settle']>[0];

const encoder = new TextEncoder();
const NONE: ReadonlySet<RefusedParameter> = new Set();
const COMPLETE: Outcome = { kind: 'complete', facts: undefined };

/**
 * Hands calls over that may be answered later: their prompt is made cheaper as usual, they are kept by whoever takes them, their money is held by a charge
 * in the ledger that the true one corrects, and their clients are told where to ask. Behind the cache, limits and budgets, so that only what must be paid for waits, and in
 * front of everything that asks a provider.
 * Refuses a call that cannot wait where nothing else was allowed; otherwise such calls go on in the usual way.
 * @internal
 */
export function deferMiddleware(options: DeferOptions): Middleware {
  return {
    name: 'defer',
    async handle(call, next) {
      const { deferral } = call;
      const { plan } = call.state;
      if (deferral === undefined || plan === undefined) return next(call);
      if (call.state.shape?.isStream === true) {
        throw new FarthingError('invalid-request', 'a call that is answered later cannot be streamed', {
          param: 'stream',
        });
      }
      const obstacle = deferral.obstacle ?? obstacleOf(call, plan);
      const boundNanoUsd = boundOf(call, deferral, plan);
      if (obstacle !== undefined || boundNanoUsd === undefined) {
        return answeredNow(call, deferral, next, obstacle ?? 'unpriced');
      }
      const { attempt, body } = await prepared(call, plan, options);
      const accept = (): Promise<AcceptedCall | undefined> =>
        deferral.accept(deferredCallOf(call, deferral, { plan, attempt, body, boundNanoUsd }));
      const isAccepted = await withPurse(call, boundNanoUsd, async () => {
        const accepted = await accept();
        if (accepted === undefined) return false;
        await handOver(call, attempt.target, { accepted, boundNanoUsd, options });
        return true;
      });
      return isAccepted ? COMPLETE : answeredNow(call, deferral, next, 'no-gain');
    },
  };
}

/** What is held for a call; undefined: nobody can say, and it must not wait. */
function boundOf({ state, purse }: Call, { mayBeUnpriced }: Deferral, plan: RoutePlan): NanoUsd | undefined {
  const bound = state.hold?.boundOf(plan.targets[0])?.amountNanoUsd;
  const isCounted = state.hold?.isHard !== false || purse !== undefined;
  return bound ?? (mayBeUnpriced === true && !isCounted ? ZERO_USD : undefined);
}

/** Why a call cannot be answered by a batch, or by anybody but itself; undefined: it can. */
function obstacleOf(call: Call, { cascade }: RoutePlan): string | undefined {
  if (call.endpoint === 'count-tokens') return 'free';
  // Its caller's own credentials are not kept.
  if (call.credentials !== undefined) return 'own-credentials';
  if (cascade !== undefined) return 'cascade';
  const body: Readonly<Record<string, unknown>> = call.state.request?.body ?? {};
  const isStateful =
    body['background'] === true || body['previous_response_id'] !== undefined || body['conversation'] !== undefined;
  return isStateful ? 'stored-conversation' : undefined;
}

function answeredNow(call: Call, { mayAnswerLive }: Deferral, next: Next, reason: string): Promise<Outcome> {
  if (!mayAnswerLive) {
    throw new FarthingError('invalid-request', `this call cannot be part of a batch: ${reason}`);
  }
  decide(call, 'defer', 'live', reason);
  return next(call);
}

/** What a provider is to be sent: the caller's request, made cheaper and fitted to the target. */
async function prepared(
  call: Call,
  plan: RoutePlan,
  { optimise, vendorOf }: DeferOptions,
): Promise<{ readonly attempt: Attempt; readonly body: Uint8Array }> {
  let attempt = firstAttempt(call, plan, vendorOf);
  await optimise?.handle({ ...call, attempt }, (optimised) => {
    attempt = optimised.attempt ?? attempt;
    return Promise.resolve(COMPLETE);
  });
  return { attempt, body: attemptBody({ ...call, attempt }, vendorOf) };
}

function firstAttempt({ state, endpoint }: Call, plan: RoutePlan, vendorOf: DeferOptions['vendorOf']): Attempt {
  const [target] = plan.targets;
  if (state.request === undefined) throw new FarthingError('internal', 'a call is deferred before it is decoded');
  const isNamed = plan.asked === target.model || plan.asked === formatTarget(target);
  return {
    target,
    request: state.request,
    changes: [],
    droppedMessages: [],
    verbatimMessages: 0,
    mayMark: false,
    keyIndex: undefined,
    deadlineAt: Number.POSITIVE_INFINITY,
    continues: undefined,
    // What the caller named itself is asked as the caller wrote it.
    refused: isNamed ? NONE : knownRefusals(endpoint, vendorOf(target), target.model),
    mayAnswer: () => true,
  };
}

/** Takes what a call may cost from its purse, before anything is kept of it; gives it back unless the call is accepted. */
async function withPurse({ purse }: Call, boundNanoUsd: NanoUsd, work: () => Promise<boolean>): Promise<boolean> {
  if (purse !== undefined && !purse.take(boundNanoUsd)) {
    throw new FarthingError('budget-spent', 'what these calls may spend together is spent');
  }
  let isAccepted = false;
  try {
    isAccepted = await work();
    return isAccepted;
  } finally {
    if (!isAccepted) purse?.settle(boundNanoUsd, ZERO_USD);
  }
}

async function handOver(
  call: Call,
  target: Target,
  parts: { readonly accepted: AcceptedCall; readonly boundNanoUsd: NanoUsd; readonly options: DeferOptions },
): Promise<void> {
  const { state } = call;
  await hold(call, target, parts);
  // From here on its record is told by who settles it: a confirmation may take effect although it seems to fail.
  state.isDeferred = true;
  const reply = await parts.accepted.confirm();
  state.answering = target;
  decide(call, 'defer', 'accepted');
  answer(call, reply);
}

/** Holds the money in the ledger, where no process needs to live for it. @throws FarthingError `store-unavailable` */
async function hold(
  call: Call,
  target: Target,
  { boundNanoUsd, options }: { readonly boundNanoUsd: NanoUsd; readonly options: DeferOptions },
): Promise<void> {
  const { state } = call;
  const charge = heldCharge(call, target, boundNanoUsd, options.clock.nowMs());
  state.spending.attempts = BATCH_ATTEMPT;
  const pending = state.hold?.pend(target, boundNanoUsd, charge.atMs);
  let isDurable = false;
  await options.write(charge, (receipt) => {
    isDurable = true;
    pending?.settle(receipt);
  });
  // It will be written, and released by whoever keeps the call: it was never confirmed.
  if (!isDurable) {
    throw new FarthingError('store-unavailable', 'the ledger is down: no money can be held at the moment', {
      retryable: true,
    });
  }
  state.spending.charges.push(charge);
}

function heldCharge(call: Call, target: Target, boundNanoUsd: NanoUsd, nowMs: number): Charge {
  const { state, caller } = call;
  return {
    chargeId: `${call.id}.${BATCH_ATTEMPT}`,
    callId: call.id,
    kind: call.kind,
    atMs: Math.max(nowMs, state.hold?.earliestChargeMs ?? 0),
    project: caller.project,
    keyId: caller.keyId,
    tags: state.tags,
    endpoint: call.endpoint,
    target: formatTarget(target),
    servedModel: undefined,
    usage: NO_USAGE,
    certainty: 'estimate',
    amountNanoUsd: boundNanoUsd,
    priceEntry: undefined,
    corrects: undefined,
    status: undefined,
    outcome: DEFERRED,
  };
}

function answer({ receiver }: Call, { status, headers, body }: DeferredReply): void {
  receiver.head({ status, headers, form: 'whole' });
  receiver.frames([{ bytes: encoder.encode(body), role: 'content' }]);
  receiver.end();
}
