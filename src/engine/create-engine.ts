import { CALL_ID_RANDOM_DIGITS, callIdAt } from '../core/call-id.ts';
import { FarthingError, isFarthingError } from '../core/errors.ts';
import type { CallRecord } from '../core/model/charge.ts';
import type { DeferredCall } from '../core/model/deferred-call.ts';
import { chains } from '../middleware/chains.ts';
import {
  type Call,
  type CallState,
  compose,
  newCallState,
  type Next,
  type ResumedCall,
} from '../middleware/compose.ts';
import type { ReplySink } from '../ports/reply-sink.ts';
import { callMoney } from './call-money.ts';
import { callRecord } from './call-record.ts';
import { ClientRelay } from './client-relay.ts';
import { heldRow } from './deferred/held-row.ts';
import type { DeferredEnd, DeferredSettlement, Engine, EngineRequest } from './engine-request.ts';
import { ENGINE_MEMORY } from './engine-memory.ts';
import type { EngineOptions } from './engine-options.ts';
import { engineParts, type EngineParts } from './engine-parts.ts';
import { RecentCalls } from './recent-calls.ts';
import { type RouteWatch, routeWatch } from './routes/route-watch.ts';
import { TeeSink } from './tee-sink.ts';

/**
 * Assembles an engine: the call chain around the attempt chain, and the bookkeeping at both ends.
 *
 * @example
 * ```ts
 * const engine = createEngine({ providers, priceBook, ledger, ownerId: 'one', cache: { store, mode: 'deterministic', ttlMs: 3_600_000 } });
 * await engine.handle({ endpoint: 'chat', body, headers, caller: { project: 'default', keyId: 'local' }, signal }, sink);
 * ```
 * @public
 */
export function createEngine(options: EngineOptions): Engine {
  return new CallEngine(options);
}

class CallEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #parts: EngineParts;
  readonly #chain: Next;
  readonly #recent: RecentCalls;
  readonly #idle: (() => void)[] = [];
  /** Undefined: no route has quality to keep. */
  readonly #watch: RouteWatch | undefined;
  #inFlight = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#recent = new RecentCalls(ENGINE_MEMORY[options.memory ?? 'ample'].recentCalls);
    this.#watch = routeWatch(options);
    this.#parts = engineParts(options);
    void this.#parts.learnt.load();
    const { callChain, attemptChain } = chains(this.#parts.chain);
    this.#chain = compose([...callChain, ...attemptChain], () =>
      Promise.reject(new FarthingError('internal', 'the chain has no end')),
    );
  }

  async handle(request: EngineRequest, sink: ReplySink): Promise<void> {
    this.#inFlight += 1;
    const state = newCallState();
    const { onBodies } = this.#options;
    const isKept = (): boolean => onBodies !== undefined || this.#watch?.isWatched(state) === true;
    const tee = onBodies === undefined && this.#watch === undefined ? undefined : new TeeSink(sink, isKept);
    const call = this.#begin(request, tee ?? sink, state);
    try {
      const outcome = await this.#run(call).catch((error: unknown) => this.#fail(call, error));
      if (!state.isDeferred) this.#finish(call, outcome, { tee, onRecord: request.resumes?.onRecord });
    } catch (error) {
      // The call is over for its client: what failed is our bookkeeping, or an observer that throws.
      this.#parts.events.emit({ kind: 'internal-fault', callId: call.id, error });
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  async callRecord(callId: string, project: string): Promise<CallRecord | undefined> {
    const recent = this.#recent.get(callId);
    if (recent !== undefined) return recent.project === project ? recent : undefined;
    const { reader } = this.#options;
    if (reader === undefined) return undefined;
    for await (const record of reader.calls({ callId, project, limit: 1 })) return record;
    return undefined;
  }

  settleDeferred(call: DeferredCall, end: DeferredEnd): Promise<DeferredSettlement> {
    return this.#parts.settler.settle(call, end);
  }

  async isHeldWhole(callId: string): Promise<boolean> {
    const { reader } = this.#options;
    return reader !== undefined && (await heldRow(reader, callId)).isWhole;
  }

  publish(record: CallRecord): void {
    this.#recent.add(record);
    this.#options.ledger.record(record);
    this.#parts.events.emit({ kind: 'call-finished', record });
  }

  inFlight(): number {
    return this.#inFlight;
  }

  unwrittenCharges(): number {
    return this.#parts.spool.size;
  }

  async close(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    try {
      await this.#parts.limiter.close();
      await this.#parts.learnt.close();
      await this.#parts.spool.close();
      await this.#options.ledger.flush();
    } finally {
      await Promise.all(this.#options.providers.map((entry) => entry.provider.close()));
    }
  }

  #begin(request: EngineRequest, sink: ReplySink, state: CallState): Call {
    const { clock, random, pricer } = this.#parts;
    const kind = request.kind ?? 'call';
    const isOwn = request.isOwn ?? false;
    const { resumes } = request;
    const arrivedAtMs = resumes?.arrivedAtMs ?? clock.nowMs();
    const id = resumes?.callId ?? callIdAt(arrivedAtMs, random.hex(CALL_ID_RANDOM_DIGITS));
    // What the key pins holds for a call that is refused before its tags are read, too.
    state.tags = request.caller.pinnedTags ?? {};
    if (resumes !== undefined) {
      state.spending.attempts = resumes.attempts;
      state.spending.charges.push(...resumes.charges);
      state.waitedFor = resumes.serviceTier ?? '';
    }
    const money = (): ReturnType<typeof callMoney> => callMoney({ state, kind, isOwn, arrivedAtMs }, pricer);
    return {
      id,
      kind,
      isOwn,
      arrivedAtMs,
      arrivedAt: clock.monotonicMs(),
      endpoint: request.endpoint,
      body: request.body,
      query: request.query ?? '',
      headers: request.headers,
      caller: request.caller,
      signal: request.signal,
      credentials: request.credentials,
      pinnedProvider: request.provider,
      deferral: request.deferral,
      purse: request.purse,
      onPace: request.onPace,
      isResumed: resumes !== undefined,
      held: resumes?.held,
      receiver: new ClientRelay({ callId: id, endpoint: request.endpoint, state, sink, clock, money }),
      state,
    };
  }

  async #run(call: Call): Promise<string> {
    const { rawHits } = this.#parts;
    if (rawHits === undefined) return (await this.#chain(call)).kind;
    const rawKey = rawHits.keyOf(call);
    if (rawHits.serve(call, rawKey)) return 'complete';
    const outcome = await this.#chain(call);
    if (outcome.kind === 'complete') rawHits.remember(call, rawKey);
    return outcome.kind;
  }

  /** Tells the client and names the outcome. */
  #fail(call: Call, error: unknown): string {
    const known = isFarthingError(error);
    if (!known) this.#parts.events.emit({ kind: 'internal-fault', callId: call.id, error });
    const named = known
      ? error
      : new FarthingError('internal', 'an internal fault; the call id is in x-farthing-request-id', { cause: error });
    call.receiver.fail(named);
    return named.code;
  }

  #finish(
    call: Call,
    outcome: string,
    { tee, onRecord }: { readonly tee: TeeSink | undefined; readonly onRecord: ResumedCall['onRecord'] | undefined },
  ): void {
    const { clock, pricer } = this.#parts;
    const left = outcome === 'complete' && call.signal.aborted;
    const record = callRecord(call, {
      outcome: left ? 'client-left' : outcome,
      money: callMoney(call, pricer),
      endedAt: clock.monotonicMs(),
    });
    if (onRecord === undefined) this.publish(record);
    else onRecord(record);
    if (tee === undefined) return;
    this.#options.onBodies?.(record, call.body, tee.bytes());
    if (outcome === 'complete' && !left) this.#watch?.tell(call, record, tee);
  }
}
