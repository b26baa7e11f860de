import type { Caller } from '../core/model/caller.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import type { AttemptKind, CallRecord } from '../core/model/charge.ts';
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
}

/** The engine: bytes in, byte sink out. Knows no HTTP server and no web streams. @public */
export interface Engine {
  /** Answers one call. Never rejects: every outcome, errors included, goes to the sink in the protocol's own shape. */
  handle(request: EngineRequest, sink: ReplySink): Promise<void>;
  /** The record of a finished call, only to the project that made it. */
  callRecord(callId: string, project: string): Promise<CallRecord | undefined>;
  /** Calls under way. */
  inFlight(): number;
  /** Charges that the ledger has not taken yet: it is down, and the engine is not ready. They are tried again until it takes them. */
  unwrittenCharges(): number;
  /** Waits for calls under way, then flushes and closes what the engine opened. */
  close(): Promise<void>;
}
