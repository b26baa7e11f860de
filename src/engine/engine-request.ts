import type { Caller } from '../core/model/caller.ts';
import type { PaceNotice } from '../core/limit/provider-limits.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import type { AttemptKind, CallRecord, Charge } from '../core/model/charge.ts';
import type { DeferredCall } from '../core/model/deferred-call.ts';
import type { Deferral, Purse, ResumedCall } from '../middleware/compose.ts';
import type { ReplySink } from '../ports/reply-sink.ts';

/** A call as it arrives: bytes and who sent them. @public */
export interface EngineRequest {
  readonly endpoint: Endpoint;
  /** What the call is for: another kind than `call` is a side call of a program's own. @defaultValue 'call' */
  readonly kind?: AttemptKind;
  /**
   * Whether it is a call of Farthing's own (a shadow, a judge): its caller would not have made it, so all that it costs counts against what is saved.
   * @defaultValue false
   */
  readonly isOwn?: boolean;
  /** The client's body, untouched. */
  readonly body: Uint8Array;
  /**
   * The query of the address that the client asked, without its question mark: `beta=true` of Anthropic's beta clients. Goes to the provider as it is.
   * @defaultValue ''
   */
  readonly query?: string;
  /** The client's headers, lower-case names; credentials of the gateway already taken out. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Derived by the server, never by the client. */
  readonly caller: Caller;
  /** Fires when the client leaves. */
  readonly signal: AbortSignal;
  /**
   * Credential headers of the caller that go to the provider where it has no key of its own (library only; a gateway never sets it).
   */
  readonly credentials?: Readonly<Record<string, string>>;
  /** Pins the provider, where the address asked decides it (library only). */
  readonly provider?: string;
  /** Where the call goes when it may be answered later. @defaultValue it is answered now */
  readonly deferral?: Deferral | undefined;
  /** A limit on what the attempts of this call and others may spend together. @defaultValue budgets alone */
  readonly purse?: Purse | undefined;
  /** Told of the head of each provider's reply that is made for the call. Must not throw. @defaultValue nobody is told */
  readonly onPace?: ((notice: PaceNotice) => void) | undefined;
  /** Set for a call that was deferred, and is asked live now. @defaultValue it is a new call */
  readonly resumes?: ResumedCall | undefined;
}

/** How the batch attempt of a deferred call ended. @public */
export type DeferredEnd =
  /** The provider's reply, whole. */
  | { readonly kind: 'reply'; readonly status: number; readonly body: string; readonly serviceTier: 'batch' }
  /**
   * It was never answered, and cost nothing. `outcome` is a code: `expired`, `cancelled` ...
   * `wasAskedLive`: the call may have been asked live on the strength of what is held for it, by a process of which nothing is known any more; what was spent of that, or may
   * have been, stays charged. Absent: it was not.
   */
  | { readonly kind: 'none'; readonly outcome: string; readonly wasAskedLive?: boolean }
  /** It may have been answered, and billed, and nobody can say: it is charged at the most that a batch may cost, as an estimate. */
  | { readonly kind: 'unknown'; readonly outcome: string };

/** What the end of a batch attempt came to. @public */
export interface DeferredSettlement {
  /** What the attempt is charged. The same when it is settled again. */
  readonly charge: Charge;
  /** The call's record, should this be its answer. */
  readonly record: CallRecord;
  /** Whether the reply is a whole answer, and not an error. */
  readonly isAnswer: boolean;
}

/** The engine: bytes in, byte sink out. Knows no HTTP server and no web streams. @public */
export interface Engine {
  /** Answers one call. Never rejects: every outcome, errors included, goes to the sink in the protocol's own shape. */
  handle(request: EngineRequest, sink: ReplySink): Promise<void>;
  /** The record of a finished call, only to the project that made it. */
  callRecord(callId: string, project: string): Promise<CallRecord | undefined>;
  /**
   * Settles the batch attempt of a deferred call: charges it at the price of a batch in place of what was held, and stores its answer. To be called
   * until it has resolved once; called again it charges nothing more. Nothing is told to anybody: see `publish`.
   * @throws FarthingError `store-unavailable` when the ledger does not take the charge.
   */
  settleDeferred(call: DeferredCall, end: DeferredEnd): Promise<DeferredSettlement>;
  /**
   * Whether the money of a deferred call that has been asked live is still held as it was: no attempt has spent it, or may have. False where the ledger cannot be read.
   * @throws FarthingError `store-unavailable`
   */
  isHeldWhole(callId: string): Promise<boolean>;
  /** Hands the final record of a deferred call to the ledger and to whoever listens. To be called once a call. */
  publish(record: CallRecord): void;
  /** Calls under way. */
  inFlight(): number;
  /** Charges that the ledger has not taken yet: it is down, and the engine is not ready. They are tried again until it takes them. */
  unwrittenCharges(): number;
  /** Waits for calls under way, then flushes and closes what the engine opened. */
  close(): Promise<void>;
}
