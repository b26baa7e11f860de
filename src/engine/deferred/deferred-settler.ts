import type { CallRecord, Charge, Intent } from '../../core/model/charge.ts';
import { ZERO_USD } from '../../core/money.ts';
import { BATCH_ATTEMPT, type DeferredCall } from '../../core/model/deferred-call.ts';
import { withRemovedTokens } from '../../core/optimise/usage-without.ts';
import { parseTarget, type Target } from '../../core/model/target.ts';
import { attemptCharge, estimatedInputTokens } from '../../middleware/charge/attempt-charge.ts';
import type { BudgetKeeper } from '../../middleware/budget/budget-keeper.ts';
import { type Call, compose, type Middleware, newCallState, type Outcome } from '../../middleware/compose.ts';
import { ReplyListener } from '../../middleware/dispatch/reply-listener.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Ledger, LedgerReader } from '../../ports/ledger.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { Provider } from '../../ports/provider.ts';
import type { CacheKey } from '../../core/model/cache-entry.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import type { RequestLimits } from '../../wire/json-limits.ts';
import { callMoney } from '../call-money.ts';
import { callRecord } from '../call-record.ts';
import type { DeferredEnd, DeferredSettlement } from '../engine-request.ts';
import { batchBound } from './batch-bound.ts';
import { type HeldRow, heldRow } from './held-row.ts';
import { silentReceiver } from './silent-receiver.ts';

/** What a {@link DeferredSettler} works with. @internal */
export interface DeferredSettlerOptions {
  readonly ledger: Ledger;
  /** Undefined: what is held for a call that was asked live cannot be looked up, and is taken for spent. */
  readonly reader: Pick<LedgerReader, 'charges' | 'openIntents'> | undefined;
  readonly keeper: BudgetKeeper;
  readonly pricer: Pricer;
  readonly providers: ReadonlyMap<string, Provider>;
  /** Steps that store an answer, by what is stored: whole answers, or embeddings item by item. Undefined: there is no cache. */
  readonly storing: { readonly answers: Middleware; readonly embeddings: Middleware } | undefined;
  readonly requestLimits: RequestLimits | undefined;
  readonly maxReplyBytes: number;
  readonly clock: Clock;
  readonly events: EventSink;
}

const UNKNOWN_ROW: HeldRow = { isWhole: false, charges: [] };
const encoder = new TextEncoder();
const NEVER = new AbortController().signal;

/**
 * Books what became of batch attempts. A batch's answer is taken like a provider's: read, charged at what it was served for, stored; only that its call
 * is plain data, and its client has long been told to wait.
 * @internal
 */
export class DeferredSettler {
  readonly #options: DeferredSettlerOptions;

  constructor(options: DeferredSettlerOptions) {
    this.#options = options;
  }

  /** @throws FarthingError `store-unavailable` when the ledger does not take the charge: it is to be settled again. */
  async settle(deferred: DeferredCall, end: DeferredEnd): Promise<DeferredSettlement> {
    const target = targetIn(deferred.target);
    const call = this.#callOf(deferred, target);
    if (end.kind === 'none' && end.wasAskedLive === true) return this.#letGo(deferred, call, end.outcome);
    if (end.kind !== 'reply') return this.#unanswered(call, this.#unansweredCharge(deferred, call, end));
    const { storing } = this.#options;
    const steps = storing === undefined ? [] : [call.endpoint === 'embeddings' ? storing.embeddings : storing.answers];
    const outcome = await compose(steps, (asked) => this.#takeReply(deferred, asked, end))(call);
    const charge = call.state.spending.charges[0] as Charge;
    const isAnswer = outcome.kind === 'complete';
    call.state.status = end.status;
    return { charge, record: this.#recordOf(call, outcome.kind), isAnswer };
  }

  async #unanswered(call: Call, charge: Charge): Promise<DeferredSettlement> {
    await this.#book(call, charge);
    return { charge, record: this.#recordOf(call, charge.outcome), isAnswer: false };
  }

  /** Lets go what is held, unless attempts that were made on the strength of it have spent it, or may have. The record has what the ledger knows of the call. */
  async #letGo(deferred: DeferredCall, call: Call, outcome: string): Promise<DeferredSettlement> {
    const { reader } = this.#options;
    const { isWhole, charges } = reader === undefined ? UNKNOWN_ROW : await heldRow(reader, deferred.callId);
    const charge = this.#unansweredCharge(deferred, call, { kind: 'none', outcome });
    call.state.spending.charges.push(...charges.filter(({ chargeId }) => !isWhole || chargeId !== charge.chargeId));
    if (isWhole) return this.#unanswered(call, charge);
    return { charge, record: { ...this.#recordOf(call, outcome), isEstimate: true }, isAnswer: false };
  }

  #unansweredCharge(
    deferred: DeferredCall,
    call: Call,
    { kind, outcome }: Exclude<DeferredEnd, { kind: 'reply' }>,
  ): Charge {
    const refused: Outcome = { kind: 'refused', facts: undefined };
    const charge = { ...this.#chargeOf(deferred, call, { outcome: refused, status: undefined }), outcome };
    if (kind === 'none') return charge;
    const { pricer, clock } = this.#options;
    const amountNanoUsd = batchBound(deferred, (usage, terms) =>
      pricer.price(targetIn(deferred.target), usage, terms, clock.nowMs()),
    );
    return { ...charge, certainty: amountNanoUsd === undefined ? 'unpriced' : 'estimate', amountNanoUsd };
  }

  async #takeReply(
    deferred: DeferredCall,
    call: Call,
    { status, body, serviceTier }: Extract<DeferredEnd, { kind: 'reply' }>,
  ): Promise<Outcome> {
    const target = targetIn(deferred.target);
    const { maxReplyBytes, providers } = this.#options;
    const provider = providers.get(target.provider);
    const listener = new ReplyListener({
      endpoint: call.endpoint,
      receiver: call.receiver,
      samples: call.state.request?.samples ?? 1,
      maxReplyBytes,
      maskSecrets: provider?.maskSecrets?.bind(provider),
      onFirstByte: () => undefined,
      onOver: () => undefined,
    });
    listener.onHead(status, { 'content-type': 'application/json' });
    listener.onData(encoder.encode(body));
    listener.onEnd();
    const read = await listener.outcome;
    const facts = read.facts && { ...read.facts, terms: { ...read.facts.terms, serviceTier } };
    const outcome: Outcome = { ...read, facts };
    const charge = this.#chargeOf(deferred, call, { outcome, status });
    await this.#book(call, charge);
    if (outcome.kind === 'complete') noteAnswer(call, target, charge, deferred, facts);
    return outcome;
  }

  #chargeOf(
    deferred: DeferredCall,
    call: Call,
    end: { readonly outcome: Outcome; readonly status: number | undefined },
  ): Charge {
    const { clock, keeper, pricer } = this.#options;
    const { callId, project, keyId, tags, endpoint, target, boundNanoUsd } = deferred;
    const intent: Intent = {
      chargeId: `${callId}.${BATCH_ATTEMPT}`,
      callId,
      kind: 'call',
      atMs: deferred.atMs,
      ownerId: keeper.ownerId,
      project,
      keyId,
      tags,
      endpoint,
      target,
      upperBoundNanoUsd: boundNanoUsd,
    };
    return attemptCharge({
      intent,
      ...end,
      error: undefined,
      atMs: Math.max(clock.nowMs(), keeper.cutMs),
      estimatedInputTokens: estimatedInputTokens(call.body.byteLength),
      price: (usage, terms) => pricer.price(targetIn(target), usage, terms, clock.nowMs()),
    });
  }

  async #book(call: Call, charge: Charge): Promise<void> {
    const { ledger, keeper, events } = this.#options;
    const { project, keyId } = call.caller;
    const { target, atMs, chargeId } = charge;
    const pending = keeper.withoutMoney({ project, keyId, tags: call.state.tags, target }).pend(target, ZERO_USD, atMs);
    try {
      const [receipt] = await ledger.charge([charge]);
      const isNew = keeper.isFirst(chargeId);
      if (receipt === undefined || !isNew) pending.drop();
      else pending.settle(receipt);
      if (isNew) this.#report(call, charge);
    } catch (error) {
      pending.drop();
      events.emit({ kind: 'store-failed', store: 'ledger', operation: 'charge', error });
      throw error;
    }
    call.state.spending.charges.push(charge);
  }

  #report({ id: callId }: Call, { certainty, target }: Charge): void {
    const { events } = this.#options;
    if (certainty === 'unpriced') events.emit({ kind: 'unpriced-charged', callId, target });
    else if (certainty === 'estimate') events.emit({ kind: 'usage-missing', callId, target });
  }

  #recordOf(call: Call, outcome: string): CallRecord {
    const { pricer, clock } = this.#options;
    const record = callRecord(call, { outcome, money: callMoney(call, pricer), endedAt: call.arrivedAt });
    return { ...record, durationMs: Math.max(0, clock.nowMs() - call.arrivedAtMs) };
  }

  #callOf(deferred: DeferredCall, target: Target): Call {
    const { endpoint, callId, atMs, project, keyId, route, decisions, modelAsked } = deferred;
    const body = encoder.encode(deferred.body);
    const isEmbedding = endpoint === 'embeddings';
    const state = newCallState();
    state.tags = deferred.tags;
    state.request = this.#requestOf(deferred, body);
    state.shape = { model: modelAsked, isStream: false, wantsUsageChunk: false };
    state.plan = { asked: modelAsked, baseline: targetIn(deferred.baseline), targets: [target], route };
    state.key = deferred.cacheKey as CacheKey | undefined;
    state.mayStore = deferred.cacheKey !== undefined && state.request !== undefined;
    state.cacheStatus = deferred.cacheKey === undefined ? 'bypass' : 'miss';
    state.spending.attempts = BATCH_ATTEMPT;
    state.decisions.push(...decisions);
    state.waitedFor = 'batch';
    return {
      id: callId,
      kind: 'call',
      isOwn: false,
      arrivedAtMs: atMs,
      arrivedAt: this.#options.clock.monotonicMs(),
      endpoint,
      body,
      query: deferred.query,
      // Items that are in the cache by now are in this reply all the same.
      headers: isEmbedding ? { ...deferred.headers, 'cache-control': 'no-cache' } : deferred.headers,
      caller: { project, keyId },
      signal: NEVER,
      credentials: undefined,
      pinnedProvider: undefined,
      receiver: silentReceiver(),
      state,
    };
  }

  /** Undefined where the body was not kept, or is beyond the limits of today: then the answer is charged, and not stored. */
  #requestOf({ endpoint, body }: DeferredCall, bytes: Uint8Array): DecodedRequest | undefined {
    if (body === '') return undefined;
    try {
      return decodeRequest(endpoint, bytes, this.#options.requestLimits);
    } catch {
      return undefined;
    }
  }
}

function noteAnswer(
  call: Call,
  target: Target,
  charge: Charge,
  { removed }: DeferredCall,
  facts: Outcome['facts'],
): void {
  call.state.answer = {
    source: 'provider',
    target: call.state.plan?.targets[0] ?? target,
    servedModel: charge.servedModel,
    baselineUsage: removed.length === 0 ? charge.usage : withRemovedTokens(charge.usage, removed),
    usage: charge.usage,
    terms: facts?.terms ?? {},
    charge,
  };
}

/** What was kept names a target. */
function targetIn(text: string): Target {
  return parseTarget(text) ?? { provider: '', model: text };
}
