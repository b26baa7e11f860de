import { callBound, lowerOutput, type RequestSize } from '../../core/budget/call-bound.ts';
import type { SpendingFacts } from '../../core/budget/budget.ts';
import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { addUsd, type NanoUsd, nanoUsd, ZERO_USD } from '../../core/money.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { usageOf } from '../../core/model/usage.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { outputFloor } from '../../wire/output-limit.ts';
import { requestSize } from '../../wire/request-size.ts';
import { type AttemptBound, type Call, type CallHold, decide, type Middleware } from '../compose.ts';
import { nextTurn } from '../next-turn.ts';
import { boundPrice, type BoundedCall } from './bound-price.ts';
import { countedSize, type TokenizerOf } from './counted-size.ts';
import type { BudgetKeeper } from './budget-keeper.ts';
import type { RefusalEvent, ReserveTerms } from './budget-queue.ts';
import type { Reservation } from './reservation.ts';

/** How calls are held to budgets. @public */
export interface BudgetPolicy {
  /** For how long a call waits for money that others hold, in milliseconds. */
  readonly waitMs: number;
  /** Output tokens that are reserved, and sent as the limit, for calls that state none. Undefined: the model's maximum. */
  readonly defaultMaxOutputTokens: number | undefined;
  /** Held on top for calls that may use the provider's own tools. */
  readonly toolAllowanceNanoUsd: NanoUsd;
  /** What becomes of calls whose input nothing bounds: reserved at the model's whole window, or refused. */
  readonly unboundedCalls: 'reserve' | 'refuse';
  /**
   * Whether replies keep quiet about what is left of budgets that others spend from, too (all but those of a project or a key): each of them could tell
   * from it what the others spend.
   * @defaultValue false, since a program knows what it spends
   */
  readonly hidesShared?: boolean;
}

/** The beta header's value, and the window that it gives Claude models of 200,000 tokens (platform.claude.com, context windows). */
const WIDE_WINDOW_BETA = 'context-1m';
const WIDE_WINDOW_TOKENS = 1_000_000;

const ONE_TOKEN = usageOf({ input: 1 });

/** A call whose bound by bytes is above this share of what is left has its tokens counted: then a fourth of the money will do. Ours. */
const TIGHT_RATIO = 0.05;

/**
 * Most of what is left that one call of our own may hold: shadows and judges are not to make a caller wait for money, or go without. Four at a time hold
 * a third of it. Ours.
 */
const OWN_CALL_RATIO = 0.1;

/** What a call is refused with whose model's price is known and whose size is not. */
const MISSING_BOUND: Readonly<Record<'max-output' | 'context-window', string>> = {
  'max-output':
    'has no known output limit, and a hard budget is set; state a limit with the call, or set limits.defaultMaxOutputTokens',
  'context-window': 'has no known context window, which this call would be held to under a hard budget',
};

/** What {@link budgetMiddleware} needs. @internal */
export interface BudgetOptions {
  readonly keeper: BudgetKeeper;
  readonly policy: BudgetPolicy;
  readonly pricer: Pricer;
  /** Whether money may rest on counted tokens at a target. */
  readonly isCountProven: (target: Target) => boolean;
  readonly tokenizerOf: TokenizerOf;
}

/**
 * Holds money for a call on every hard budget that counts it, before anything is sent: the upper bound of what it may cost at the dearest
 * target it may reach. Refuses the call when there is no room, when nobody can say what it may cost, and when the counters cannot be asked.
 * @internal
 */
export function budgetMiddleware(options: BudgetOptions): Middleware {
  return {
    name: 'budget',
    async handle(call, next) {
      const target = call.state.plan?.targets[0];
      if (call.endpoint === 'count-tokens' || target === undefined) return next(call);
      const turn = nextTurn(call.body);
      if (turn !== undefined) await turn;
      const facts = factsOf(call, target);
      const sizing = new CallSizing(call, options);
      call.state.budgetLeft = () => leftOf(options, facts);
      const isHard = isHeldAnywhere(call, options.keeper);
      const reservation = isHard
        ? await reserveBound(call, facts, sizing, options).catch((error: unknown) => {
            if (isFarthingError(error)) decide(call, 'budget', 'refuse', error.code);
            throw error;
          })
        : await options.keeper.reserve(facts, 0, terms(call, options));
      call.state.hold = holdOf(options.keeper, reservation, sizing, isHard);
      try {
        return await next(call);
      } finally {
        reservation.release();
      }
    },
  };
}

function factsOf(call: Call, target: Target): SpendingFacts {
  const { project, keyId } = call.caller;
  return { project, keyId, tags: call.state.tags, target: formatTarget(target) };
}

/** Whether a hard budget counts any target that the call may reach: one of a fallback's model holds when the fallback is asked. */
function isHeldAnywhere(call: Call, keeper: BudgetKeeper): boolean {
  return reachable(call).some((target) => keeper.isHeldToLimit(factsOf(call, target)));
}

/** The targets of a call, and those that are asked for second answers. */
function reachable({ state: { plan } }: Call): readonly Target[] {
  const second = (plan?.cascade?.verify ?? []).map((check) => (check.kind === 'agree' ? check.target : undefined));
  return [...(plan?.targets ?? []), ...second.filter((target) => target !== undefined)];
}

function leftOf({ keeper, policy }: BudgetOptions, facts: SpendingFacts): NanoUsd | undefined {
  const left = keeper
    .remaining(facts, policy.hidesShared === true ? 'own' : 'all')
    .map(({ leftNanoUsd }) => leftNanoUsd);
  return left.length === 0 ? undefined : nanoUsd(Math.min(...left));
}

function terms(call: Call, { policy }: BudgetOptions): ReserveTerms {
  return { waitMs: policy.waitMs, signal: call.signal };
}

function holdOf(keeper: BudgetKeeper, reservation: Reservation, sizing: CallSizing, isHard: boolean): CallHold {
  return {
    isHard,
    ownerId: reservation.ownerId,
    get earliestChargeMs() {
      return keeper.cutMs;
    },
    boundOf: (target, addedBytes) => sizing.boundOf(target, addedBytes),
    cover: (target, amount) => reservation.cover(formatTarget(target), amount),
    pend: (target, heldNanoUsd, atMs) => reservation.pend(formatTarget(target), heldNanoUsd, atMs),
  };
}

async function reserveBound(
  call: Call,
  facts: SpendingFacts,
  sizing: CallSizing,
  options: BudgetOptions,
): Promise<Reservation> {
  const { keeper } = options;
  sizing.refuseUnbounded();
  sizing.useDefaultLimit();
  const left = Math.min(...keeper.remaining(facts, 'all').map(({ leftNanoUsd }) => leftNanoUsd));
  if (sizing.needed() > left * TIGHT_RATIO) await sizing.count();
  if (call.isOwn && sizing.needed() <= left && sizing.needed() > left * OWN_CALL_RATIO) {
    throw new FarthingError('budget-held', 'what is left of the budget is kept for callers', { retryable: true });
  }
  const keptBack: RefusalEvent[] = [];
  // What the ledger holds for the call is counted already, whatever has become of the budgets since.
  const reserve = (reserveTerms: ReserveTerms): Reservation | Promise<Reservation> =>
    sizing.isHeld ? keeper.withoutMoney(facts) : keeper.reserve(facts, sizing.needed(), reserveTerms);
  try {
    return await reserve({ ...terms(call, options), keptBack });
  } catch (error) {
    const isShort = isFarthingError(error) && (error.code === 'budget-spent' || error.code === 'budget-held');
    // Nobody knew before how little is left.
    if (isShort && (await sizing.count())) return await reserveBound(call, facts, sizing, options);
    const leftToLower = isFarthingError(error) && error.code === 'budget-spent' ? keeper.leftToLower(facts) : undefined;
    if (leftToLower === undefined || !sizing.lowerTo(addUsd(leftToLower, sizing.heldNanoUsd))) {
      keeper.tell(keptBack);
      throw error;
    }
    decide(call, 'budget', 'lowered', `${sizing.outputLimit}-tokens`);
    return reserve(terms(call, options));
  }
}

/** What one call may cost at each of its targets, under the output limit that is sent. */
class CallSizing {
  readonly #call: Call;
  readonly #options: BudgetOptions;
  readonly #request: DecodedRequest;
  readonly #bounds = new Map<string, AttemptBound | undefined>();
  #size: RequestSize | undefined;
  /** By target; what was counted is lower than the bound by bytes. Undefined: not counted. */
  #counted: ReadonlyMap<string, RequestSize> | undefined;
  #sendsDefault = false;
  #lowered: number | undefined;

  constructor(call: Call, options: BudgetOptions) {
    this.#call = call;
    this.#options = options;
    this.#request = call.state.request as DecodedRequest;
  }

  /** The limit that replaces the caller's; undefined where it stays. */
  get outputLimit(): number | undefined {
    return this.#lowered;
  }

  /** @throws FarthingError `unbounded-call` where the operator does not allow calls that nothing bounds. */
  refuseUnbounded(): void {
    const size = this.#sizeOf();
    if (size.kind === 'bounded' || this.#options.policy.unboundedCalls === 'reserve') return;
    throw new FarthingError(
      'unbounded-call',
      `a hard budget is set, and nothing bounds what this call may cost (${size.reason}); the operator allows no such calls (limits.unboundedCalls)`,
    );
  }

  /** From now on calls without a limit of their own get the operator's. */
  useDefaultLimit(): void {
    this.#sendsDefault = true;
    this.#bounds.clear();
  }

  /** Counts the tokens of the request, once. Returns whether that made its bound lower. */
  async count(): Promise<boolean> {
    if (this.#counted !== undefined) return false;
    const { pricer, tokenizerOf, isCountProven } = this.#options;
    const byBytes = this.#sizeOf();
    const counted = new Map<string, RequestSize>();
    this.#counted = counted;
    for (const target of (this.#call.state.plan?.targets ?? []).filter(isCountProven)) {
      // oxlint-disable-next-line no-await-in-loop -- nothing to wait for but the first reading of a vocabulary
      const size = await countedSize(this.#request, target, byBytes, pricer.vendorOf(target), tokenizerOf);
      if (size !== byBytes) counted.set(formatTarget(target), size);
    }
    if (counted.size === 0) return false;
    this.#bounds.clear();
    decide(this.#call, 'budget', 'counted');
    return true;
  }

  /** The bound at the dearest target that may be reached. @throws FarthingError `unpriced-model` when the first has none */
  dearest(): NanoUsd {
    const [first, ...others] = this.#call.state.plan?.targets ?? [];
    const bound = first === undefined ? undefined : this.boundOf(first);
    if (first === undefined || bound === undefined) throw this.#unpriced(first);
    return others.reduce(
      (dearest, target) => nanoUsd(Math.max(dearest, this.boundOf(target)?.amountNanoUsd ?? 0)),
      bound.amountNanoUsd,
    );
  }

  /** What the ledger holds for the call, where its first target can use it. */
  get heldNanoUsd(): NanoUsd {
    const { held, state } = this.#call;
    const first = state.plan?.targets[0];
    return first !== undefined && held?.isFor(formatTarget(first)) === true ? held.amountNanoUsd : ZERO_USD;
  }

  /** Whether all that its first target may cost is held by the ledger. */
  get isHeld(): boolean {
    return this.heldNanoUsd > 0 && this.needed() === 0;
  }

  /** What must be reserved: the bound at the dearest target; with money that the ledger holds, what the first needs beyond that. Others find theirs when they are asked. */
  needed(): NanoUsd {
    const { heldNanoUsd } = this;
    const dearest = this.dearest();
    const first = this.#call.state.plan?.targets[0];
    if (heldNanoUsd === 0 || first === undefined) return dearest;
    return nanoUsd(Math.max(0, (this.boundOf(first)?.amountNanoUsd ?? 0) - heldNanoUsd));
  }

  /** Says what is missing: a model without a bound cannot be held to a limit. */
  #unpriced(target: Target | undefined): FarthingError {
    const { pricer } = this.#options;
    const isPriced = target !== undefined && pricer.price(target, ONE_TOKEN, {}, this.#call.arrivedAtMs) !== undefined;
    const bound = isPriced ? this.#callBound(target) : undefined;
    const missing =
      bound?.kind === 'unpriced'
        ? MISSING_BOUND[bound.reason]
        : 'has no price, and a hard budget is set; give it one under prices:';
    return new FarthingError('unpriced-model', `the model "${this.#request.model}" ${missing}`, { param: 'model' });
  }

  /** @param addedBytes - a byte is a token at the most. */
  boundOf(target: Target, addedBytes = 0): AttemptBound | undefined {
    if (addedBytes > 0) return this.#computed(target, addedBytes);
    const name = formatTarget(target);
    if (!this.#bounds.has(name)) this.#bounds.set(name, this.#computed(target));
    return this.#bounds.get(name);
  }

  /** Lowers the output limit to what fits the money; false where even the least answer does not. */
  lowerTo(leftNanoUsd: NanoUsd): boolean {
    const [target] = this.#call.state.plan?.targets ?? [];
    const bound = target === undefined ? undefined : this.#callBound(target);
    if (target === undefined || bound?.kind !== 'bounded') return false;
    const priceAt = (outputTokens: number): NanoUsd | undefined => this.#priced(target, { ...bound, outputTokens });
    const lowered = lowerOutput(priceAt, bound.outputTokens, leftNanoUsd, outputFloor(this.#request));
    if (lowered === undefined) return false;
    this.#lowered = lowered;
    this.#bounds.clear();
    return true;
  }

  #computed(target: Target, addedBytes = 0): AttemptBound | undefined {
    const bound = this.#callBound(target);
    if (bound.kind !== 'bounded') return undefined;
    const outputTokens = Math.min(bound.outputTokens, this.#lowered ?? Infinity);
    const inputTokens = bound.inputTokens + addedBytes;
    const amountNanoUsd = this.#priced(target, { ...bound, inputTokens, outputTokens });
    if (amountNanoUsd === undefined) return undefined;
    const mustSend = bound.mustSendLimit || outputTokens < bound.outputTokens;
    return { amountNanoUsd, outputTokens: mustSend ? outputTokens : undefined };
  }

  #callBound(target: Target): ReturnType<typeof callBound> {
    const { maxOutputTokens, samples } = this.#request;
    const { pricer, policy } = this.#options;
    const limits = pricer.limits(target);
    const isWidened = this.#call.headers['anthropic-beta']?.includes(WIDE_WINDOW_BETA) === true;
    const contextWindowTokens =
      isWidened && limits.contextWindowTokens !== undefined
        ? Math.max(WIDE_WINDOW_TOKENS, limits.contextWindowTokens)
        : limits.contextWindowTokens;
    return callBound(
      this.#counted?.get(formatTarget(target)) ?? this.#sizeOf(),
      { maxOutputTokens, samples },
      { ...limits, contextWindowTokens },
      {
        defaultMaxOutputTokens: this.#sendsDefault ? policy.defaultMaxOutputTokens : undefined,
      },
    );
  }

  #priced(target: Target, bound: BoundedCall): NanoUsd | undefined {
    const { pricer, policy } = this.#options;
    return boundPrice(pricer, target, bound, this.#call.arrivedAtMs, policy.toolAllowanceNanoUsd);
  }

  #sizeOf(): RequestSize {
    return (this.#size ??= requestSize(this.#request, this.#call.body.byteLength));
  }
}
