import type { HeldMoney } from '../core/batch/held-money.ts';
import type { ActiveCacheMode } from '../core/cacheability.ts';
import type { Caller, Tags } from '../core/model/caller.ts';
import type { CacheEntry, CacheKey, ReplyForm } from '../core/model/cache-entry.ts';
import type { AttemptKind, CacheStatus, CallRecord, Charge } from '../core/model/charge.ts';
import type { RemovedTokens } from '../core/optimise/usage-without.ts';
import type { Decision } from '../core/model/decision.ts';
import type { DeferredCall } from '../core/model/deferred-call.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import type { ReplyFacts } from '../core/model/reply.ts';
import type { RouteBalance } from '../core/route/route-table.ts';
import type { RouteFacts } from '../core/model/route-facts.ts';
import type { AnswerCheck } from '../core/verify/answer-check.ts';
import type { RefusedParameter } from '../core/adapt/refused-parameter.ts';
import type { Target } from '../core/model/target.ts';
import type { ServedTerms, Usage } from '../core/model/usage.ts';
import { FarthingError } from '../core/errors.ts';
import type { PaceNotice } from '../core/limit/provider-limits.ts';
import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { ChargeReceipt } from '../ports/ledger.ts';
import type { DecodedRequest } from '../wire/decoded-request.ts';
import type { ReplyFrame } from '../wire/reply-frame.ts';

/** The head of a provider's (or a stored) reply. @internal */
export interface UpstreamHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly form: ReplyForm;
  /** Set where it is sent before anything is known of the reply, so that the client does not give up. */
  readonly isEarly?: true;
}

/**
 * Takes a reply inside the engine, before it is cut to what one client asked for: `head` once, then any number of `frames`,
 * then exactly one of `end` and `fail`. Steps that record, share or hold back a reply put their own receiver in front.
 * @internal
 */
export interface ReplyReceiver {
  head(head: UpstreamHead): void;
  /** Returns false when the reader is behind: wait for `drained`. */
  frames(frames: readonly ReplyFrame[]): boolean;
  drained(): Promise<void>;
  end(): void;
  fail(error: FarthingError): void;
}

/** Where a call may go, in the order in which targets are tried. @internal */
export interface RoutePlan {
  /** The model as the caller wrote it. */
  readonly asked: string;
  /** What the baseline is priced as: the model asked for; for an alias its `baseline`, by default its first target. */
  readonly baseline: Target;
  readonly targets: readonly [Target, ...Target[]];
  /** Set where the targets are equals, of which one was chosen: an answer of any of them will do. */
  readonly balance?: RouteBalance | undefined;
  /** What a route decided; undefined where none took the call. */
  readonly route?: RouteFacts | undefined;
  /**
   * Set where answers are checked before the caller gets them: the first target is asked, then each next one until an answer passes. That of the
   * last one is not checked.
   */
  readonly cascade?: CascadePlan | undefined;
  /** Whether the plan depends on more than the call's bytes, its scope and the configuration: on time, chance, or what was learnt. Absent: it does not. */
  readonly isVolatile?: boolean;
}

/** How the answers of a cascade are checked. @internal */
export interface CascadePlan {
  /** Names the route and its version: answers are cached under it. */
  readonly name: string;
  readonly verify: readonly AnswerCheck[];
  /** How many of the plan's targets belong to the cascade; those behind are fallbacks of its last one. */
  readonly length: number;
}

/** Where the answer came from: a provider, the cache, another call in flight, or partly the cache (embeddings by item). */
type AnswerSource = 'provider' | 'cache' | 'shared' | 'mixed';

/** The answer that a call got. */
interface Answer {
  readonly source: AnswerSource;
  readonly target: Target;
  readonly servedModel: string | undefined;
  /** The usage that the baseline is priced with: what the caller's own bytes would have met. */
  readonly baselineUsage: Usage;
  /** The usage that the prompt as it was sent would have met without what prefix planning added; undefined: it added nothing. */
  readonly unplannedUsage?: Usage | undefined;
  /** The usage that the answer states. */
  readonly usage: Usage;
  readonly terms: ServedTerms;
  /** What it was charged; undefined where nothing was bought for it. */
  readonly charge?: Charge | undefined;
}

/** What a reply must look like for this client, known without the whole request (raw-bytes hits have only this). @internal */
export interface RequestShape {
  readonly model: string;
  readonly isStream: boolean;
  /** Whether a chat client asked for the usage chunk itself. */
  readonly wantsUsageChunk: boolean;
}

/** The most that one attempt can cost, and what must be sent so that it holds. @internal */
export interface AttemptBound {
  readonly amountNanoUsd: NanoUsd;
  /** The output limit to send instead of the caller's, or where it has none; undefined: the request stays as it is. */
  readonly outputTokens: number | undefined;
}

/** The money that is held for a call. Attempts are charged inside it. @internal */
export interface CallHold {
  /** Whether any hard budget counts the call. */
  readonly isHard: boolean;
  /** The owner id under which the money is held: an intent must be written under the same one. */
  readonly ownerId: string;
  /** No charge may be dated before this: what was, is counted already. Unix milliseconds. */
  readonly earliestChargeMs: number;
  /**
   * Undefined for a target that nobody can price.
   * @param addedBytes - what the attempt sends beyond the caller's own request.
   */
  boundOf(target: Target, addedBytes?: number): AttemptBound | undefined;
  /** Makes sure that there is room for an attempt. @throws FarthingError when there is not */
  cover(target: Target, amount: NanoUsd): Promise<void>;
  /** Sets aside what is held for an attempt that is over; `settle` takes the receipt of its row once that is durable. */
  pend(target: Target, heldNanoUsd: NanoUsd, atMs: number): { settle(receipt: ChargeReceipt): void };
}

/** Where a provider has the beginning of a conversation's prompt in its cache. @internal */
export interface WarmTarget {
  readonly target: Target;
  /** The provider's key that was used: caches belong to its account. Undefined: it has one only. */
  readonly keyIndex: number | undefined;
}

/** What a step changed in the prompt that an attempt sends. @internal */
export interface PromptChange {
  readonly step: 'optimise' | 'prefix';
  /** What `optimise` took out; undefined for other changes. */
  readonly removed?: readonly RemovedTokens[];
  /** What the provider would have stated without the change, given what it stated with it. The input's buckets change, nothing else. */
  usageWithout(usage: Usage): Usage;
}

/** One request of ours to a provider, made for a call. @internal */
export interface Attempt {
  readonly target: Target;
  /** What is sent: the caller's request, or what steps made of it. */
  readonly request: DecodedRequest;
  /** What steps changed in the prompt, in the order in which they did. */
  readonly changes: readonly PromptChange[];
  /** Messages that a step left out of the caller's prompt, by index. */
  readonly droppedMessages: readonly number[];
  /** Messages at the beginning whose texts a step left as they came, since they are cached so. */
  readonly verbatimMessages: number;
  /** False: the target has just refused to be told what to cache. */
  readonly mayMark: boolean;
  /** Which of the provider's keys is used; undefined: the provider chooses. */
  readonly keyIndex: number | undefined;
  /** Monotonic time at which the call must be over. */
  readonly deadlineAt: number;
  /** Set when it goes on with an answer that broke off: what is sent in place of the caller's request, and how many bytes that is more. */
  readonly continues: { readonly request: DecodedRequest; readonly addedBytes: number } | undefined;
  /** Parameters that the target is known to refuse. */
  readonly refused: ReadonlySet<RefusedParameter> | undefined;
  /** Asked once, of an attempt that came to its end: whether its answer is the call's. False when another attempt was faster: it is charged and nothing else. */
  readonly mayAnswer: (outcome: Outcome) => boolean;
}

/** What a client is told of a call that is answered later. @public */
export interface DeferredReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A deferred call that is kept durably, and of which its client does not know yet. @public */
export interface AcceptedCall {
  /** Its money is held durably: lets it begin, and says what the client is told. */
  confirm(): Promise<DeferredReply>;
}

/** Takes calls that may be answered later. @public */
export interface Deferral {
  /** What holds for the call beside what it says itself. */
  readonly terms: Pick<DeferredCall, 'run' | 'position' | 'deadlineAtMs' | 'webhookUrl'>;
  /** Whether a call that cannot be deferred, or is not worth it, is answered at once in the usual way; else it is refused. */
  readonly mayAnswerLive: boolean;
  /**
   * Whether a call that nobody can price waits where no hard budget counts it. Nothing is held for it.
   * @defaultValue false
   */
  readonly mayBeUnpriced?: boolean | undefined;
  /** Why none of its calls waits, as a code. @defaultValue they may */
  readonly obstacle?: string | undefined;
  /**
   * Asked once a call, when no cache has its answer, and limits and budgets let it pass. Undefined: nothing is won by waiting. Once it is accepted, its
   * money is held in the ledger; a call that is accepted and never confirmed is to be released by whoever keeps it.
   */
  accept(call: DeferredCall): Promise<AcceptedCall | undefined>;
}

/** A limit on what calls may spend together, beside all budgets. @public */
export interface Purse {
  /**
   * Sets aside what an attempt may cost at the most. False: there is not so much left, and the attempt is not made.
   * @param boundNanoUsd - undefined: nobody can say.
   */
  take(boundNanoUsd: NanoUsd | undefined): boolean;
  /** An attempt is over: what was set aside for it comes back, less what it cost. */
  settle(boundNanoUsd: NanoUsd | undefined, amountNanoUsd: NanoUsd | undefined): void;
}

/** A call that goes on where it was deferred: the same call, asked live. @public */
export interface ResumedCall {
  readonly callId: string;
  readonly arrivedAtMs: number;
  /** The service tier that the engine asks for now, and its caller did not; only of the first target. Undefined: none. */
  readonly serviceTier: string | undefined;
  /** Attempts that were numbered before. */
  readonly attempts: number;
  /** What those were charged, as far as it is known. */
  readonly charges: readonly Charge[];
  /** What the ledger holds for the call: its attempts need no other money. @defaultValue nothing, or it is held for somebody else's attempt */
  readonly held?: HeldMoney | undefined;
  /** Takes the record in place of the ledger and the events: it is final once its batch is settled, too. */
  readonly onRecord: (record: CallRecord) => void;
}

/** What a call spends. @internal */
interface CallSpending {
  attempts: number;
  /** The bounds of attempts under way: two may run side by side, and each needs its money. */
  uncharged: NanoUsd;
  readonly charges: Charge[];
}

/** What steps learn about a call and pass on. One object a call, filled as the call goes. @internal */
export interface CallState {
  tags: Tags;
  request: DecodedRequest | undefined;
  shape: RequestShape | undefined;
  plan: RoutePlan | undefined;
  key: CacheKey | undefined;
  /** Whether the call may share an attempt with identical ones in flight: it may be stored, and was not asked to be fresh. */
  mayShare: boolean;
  /** Whether the answer may be stored. */
  mayStore: boolean;
  /** Whether the answer was sampled otherwise than the caller asked: the target takes no temperature. */
  isResampled: boolean;
  /** Whether the provider is asked for what the cache lacks only, which must then come from the target that made the rest. */
  isPartial: boolean;
  cacheStatus: CacheStatus;
  /** The stored entry that was served, for `cache-status` and `age`. */
  served: CacheEntry | undefined;
  /** Why a call that may be stored was not answered from the cache. */
  cacheReason: 'miss' | 'stale' | 'request' | 'partial';
  /** A detail behind the cache status, an RFC 9211 `detail`: why it was bypassed. */
  cacheDetail: string | undefined;
  /** Whether the answer was put in the cache. */
  stored: boolean;
  answer: Answer | undefined;
  /** The target whose reply is being passed on, or was asked last; undefined before the first attempt. */
  answering: Target | undefined;
  /** Set when the call repeats one that a wider cache mode would have served. */
  missedBy: ActiveCacheMode | undefined;
  /** Shared by all that is asked for the call, side by side or one after the other. */
  readonly spending: CallSpending;
  /** Undefined until the budget step has held money for the call. */
  hold: CallHold | undefined;
  /** Members that were added for the provider's prompt cache, by target: a refusal that names one of them is of our making. */
  readonly addedMarks: Map<string, readonly string[]>;
  /** What the tightest budget of the call has left; undefined while no budget has been asked. */
  budgetLeft: (() => NanoUsd | undefined) | undefined;
  readonly decisions: Decision[];
  /** Monotonic time of the first byte to the client. */
  firstByteAt: number | undefined;
  /** Status that the client got; 0 until the head was sent. */
  status: number;
  /**
   * Set where the call waited for a cheaper time, or was asked on cheaper terms: a service tier that its caller did not ask for, `''` for none. Its baseline is what it would
   * have cost when it came, on the usual terms.
   */
  waitedFor: string | undefined;
  /** Whether the call goes on elsewhere: it is over for its client's request, and not for its record. */
  isDeferred: boolean;
}

/** The state of a call that has just arrived. @internal */
export function newCallState(): CallState {
  return {
    tags: {},
    request: undefined,
    shape: undefined,
    plan: undefined,
    key: undefined,
    mayShare: false,
    mayStore: false,
    isResampled: false,
    isPartial: false,
    cacheStatus: 'off',
    served: undefined,
    cacheReason: 'miss',
    cacheDetail: undefined,
    stored: false,
    answer: undefined,
    answering: undefined,
    missedBy: undefined,
    spending: { attempts: 0, uncharged: ZERO_USD, charges: [] },
    hold: undefined,
    addedMarks: new Map(),
    budgetLeft: undefined,
    decisions: [],
    firstByteAt: undefined,
    status: 0,
    waitedFor: undefined,
    isDeferred: false,
  };
}

/** One call on its way through the chains. @internal */
export interface Call {
  readonly id: string;
  /** What its attempts are in the ledger. */
  readonly kind: AttemptKind;
  /** Whether it is a call of Farthing's own, which nobody else would have made. */
  readonly isOwn: boolean;
  readonly arrivedAtMs: number;
  /** Monotonic, for durations. */
  readonly arrivedAt: number;
  readonly endpoint: Endpoint;
  readonly body: Uint8Array;
  /** The query of the client's address, without its question mark. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly caller: Caller;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly credentials: Readonly<Record<string, string>> | undefined;
  /** Pins the provider (library only). */
  readonly pinnedProvider: string | undefined;
  readonly receiver: ReplyReceiver;
  readonly state: CallState;
  /** Monotonic time at which it must be over, where a step has set one. Undefined: the total time of a call, from its first attempt. */
  readonly deadlineAt?: number;
  /** Where it goes when it may be answered later. */
  readonly deferral?: Deferral | undefined;
  readonly purse?: Purse | undefined;
  /** Told of the head of each provider's reply. */
  readonly onPace?: ((notice: PaceNotice) => void) | undefined;
  /** Whether it was deferred before, and passed its limits then. */
  readonly isResumed?: boolean;
  /** What the ledger holds for it since it was deferred. */
  readonly held?: HeldMoney | undefined;
  /** Whether a step asks other targets once those of the plan have failed: nobody waits for these then. */
  readonly mayMoveOn?: boolean;
  /** Set in the attempt chain. */
  readonly attempt?: Attempt;
}

/**
 * How a call ended. `complete`: a whole answer. `provider-error`: the provider answered with an error (relayed).
 * `broken`: the provider was cut off or broke its protocol. `client-left`: nobody waited any more.
 * `refused`: a step of ours said no before anything was sent; never shared with other callers.
 * @internal
 */
export interface Outcome {
  readonly kind: 'complete' | 'provider-error' | 'broken' | 'client-left' | 'refused';
  readonly facts: ReplyFacts | undefined;
  /** Set when no byte of the attempt can have reached the provider: it cost nothing. */
  readonly neverSent?: boolean;
}

/** Runs the rest of a chain. @internal */
export type Next = (call: Call) => Promise<Outcome>;

/** One cost or safety step around `next`. It calls `next` at most once an attempt. @internal */
export interface Middleware {
  readonly name: string;
  handle(call: Call, next: Next): Promise<Outcome>;
}

/** Folds a chain into one function; the first middleware is the outermost. @internal */
export function compose(chain: readonly Middleware[], last: Next): Next {
  return chain.reduceRight<Next>((next, middleware) => (call) => middleware.handle(call, next), last);
}

/** The attempt that a step of the attempt chain works for. @internal */
export function attemptOf(call: Call): Attempt {
  if (call.attempt === undefined) throw new FarthingError('internal', 'a step of the attempt chain without an attempt');
  return call.attempt;
}

/** Notes what a step decided. @internal */
export function decide(call: Call, step: string, verdict: string, reason?: string): void {
  call.state.decisions.push(reason === undefined ? { step, verdict } : { step, verdict, reason });
}
