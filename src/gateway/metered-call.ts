import { FarthingError } from '../core/errors.ts';
import type { Caller } from '../core/model/caller.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import type { EngineRequest } from '../engine/engine-request.ts';
import type { Deferral } from '../middleware/compose.ts';
import type { PlainHeaders } from './credentials.ts';

/** What a client's call is. @internal */
export interface MeteredCallFacts {
  readonly endpoint: Endpoint;
  readonly body: Uint8Array;
  readonly headers: PlainHeaders;
  readonly caller: Caller;
  readonly query: string;
  /** Set when it may be answered later. */
  readonly deferral: Deferral | undefined;
}

/** A call as the engine takes it. The signal is made when it is first asked for: most cache hits never do. @internal */
export class MeteredCall implements EngineRequest {
  readonly endpoint: Endpoint;
  readonly body: Uint8Array;
  readonly headers: PlainHeaders;
  readonly caller: Caller;
  readonly query: string;
  readonly deferral: Deferral | undefined;
  #controller: AbortController | undefined;
  #hasLeft = false;

  constructor({ endpoint, body, headers, caller, query, deferral }: MeteredCallFacts) {
    this.endpoint = endpoint;
    this.body = body;
    this.headers = headers;
    this.caller = caller;
    this.query = query;
    this.deferral = deferral;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#hasLeft && !this.#controller.signal.aborted) this.#controller.abort(leftError());
    return this.#controller.signal;
  }

  /** The client is gone. */
  leave(): void {
    this.#hasLeft = true;
    this.#controller?.abort(leftError());
  }
}

function leftError(): FarthingError {
  return new FarthingError('client-left', 'the client closed the connection');
}
