import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { FarthingError, isFarthingError } from '../core/errors.ts';
import type { Caller } from '../core/model/caller.ts';
import { type Endpoint, ENDPOINTS } from '../core/model/protocol.ts';
import type { Engine } from '../engine/engine-request.ts';
import type { AdmissionControl } from './admission/admission-control.ts';
import { grantedCaller, grantedPriority, requestPriority } from './admission/request-priority.ts';
import type { Authenticator } from './authenticator.ts';
import { dropCredentials, secretOf } from './credentials.ts';
import { jsonMediaFault } from './json-media-type.ts';
import type { DeferredDesk } from './deferred/deferred-desk.ts';
import { MeteredCall } from './metered-call.ts';
import { readBody } from './read-body.ts';
import type { RequestGuard } from './request-guard.ts';
import { callIds, claimingSink } from './resources/call-ids.ts';
import type { ResourceOwners } from './resources/resource-owners.ts';
import { ResponseSink } from './response-sink.ts';
import { sendError } from './send-error.ts';
import { pathOf, queryOf, spokenProtocol } from './spoken-protocol.ts';

/** What may change while the gateway runs: read once at the start of each call. @internal */
export interface DoorState {
  readonly guard: RequestGuard;
  readonly authenticator: Authenticator;
  readonly engine: Engine;
  readonly maxBodyBytes: number;
}

/** Where a door takes its calls and whom it gives what it does not answer. @internal */
export interface CallDoorOptions {
  readonly state: () => DoorState;
  /** Decides which calls run, wait or are refused. */
  readonly admission: Pick<AdmissionControl, 'demandOpen' | 'enter' | 'leave'>;
  /** Whose the ids are that bodies name and replies make. */
  readonly resources: Pick<ResourceOwners, 'demand' | 'claimIfPossible'>;
  /** Takes calls that may be answered later. @defaultValue all are answered now */
  readonly deferred?: Pick<DeferredDesk, 'deferralOf'> | undefined;
  /** Answers everything that is not a metered call. The guard has let it pass. */
  readonly router: RequestListener;
  /** Told of what should not happen: an engine that rejects. */
  readonly onFault: (error: unknown) => void;
}

/** Paths of the metered endpoints. @internal */
export const METERED_PATHS: ReadonlyMap<string, Endpoint> = meteredPaths();

function meteredPaths(): ReadonlyMap<string, Endpoint> {
  const paths = new Map<string, Endpoint>();
  let endpoint: Endpoint;
  for (endpoint in ENDPOINTS) paths.set(ENDPOINTS[endpoint].clientPath, endpoint);
  return paths;
}

/**
 * The gateway's front: guards every request, answers metered calls itself and hands the rest to the router. Metered calls stay out of
 * the framework because its request objects and body parsing cost more than a whole cache hit may.
 * @internal
 */
export class CallDoor {
  readonly #options: CallDoorOptions;

  constructor(options: CallDoorOptions) {
    this.#options = options;
  }

  /** Takes one request. */
  readonly take = (request: IncomingMessage, response: ServerResponse): void => {
    const refusal = this.#options.state().guard(request);
    const path = pathOf(request.url ?? '');
    if (refusal !== undefined) {
      sendError(request, response, refusal, spokenProtocol(path, request.headers));
      return;
    }
    const endpoint = request.method === 'POST' ? METERED_PATHS.get(path) : undefined;
    if (endpoint === undefined) {
      this.#options.router(request, response);
      return;
    }
    void this.#answer(endpoint, request, response);
  };

  async #answer(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { admission, deferred, resources, state } = this.#options;
    let hasEntered = false;
    try {
      const asked = requestPriority(request.headers);
      admission.demandOpen(asked);
      const secret = secretOf(request.headers);
      let caller = state().authenticator.knownCaller(secret) ?? (await this.#demandCaller(secret));
      const turn = admission.enter(grantedPriority(asked, caller.priority), response);
      if (turn !== undefined) await turn;
      hasEntered = true;
      // The key may have been revoked, and the engine replaced, while the call waited.
      if (turn !== undefined) caller = await this.#demandCaller(secret);
      caller = grantedCaller(caller, asked);
      // Nobody would tell once more that the client has left.
      if (response.destroyed) return;
      const { maxBodyBytes, engine } = state();
      const headers = dropCredentials(request.headers);
      const mediaFault = jsonMediaFault(request.headers);
      if (mediaFault !== undefined) throw mediaFault;
      const deferral = deferred?.deferralOf(headers);
      const body = await readBody(request, maxBodyBytes);
      if (body === undefined || response.destroyed) return;
      const ids = callIds(endpoint, body);
      if (ids.length > 0) {
        await resources.demand(ids, caller.project);
        if (response.destroyed) return;
      }
      const query = queryOf(request.url ?? '');
      const call = new MeteredCall({ endpoint, body, headers, caller, query, deferral });
      response.on('close', () => {
        if (!response.writableFinished) call.leave();
      });
      const sink = new ResponseSink(response);
      const claiming = claimingSink({ endpoint, body, project: caller.project }, resources, sink);
      await engine.handle(call, claiming ?? sink);
      await claiming?.settled();
    } catch (error) {
      this.#refuse(endpoint, request, response, error);
    } finally {
      if (hasEntered) admission.leave();
    }
  }

  async #demandCaller(secret: string | undefined): Promise<Caller> {
    return this.#options.state().authenticator.demandCaller(secret);
  }

  #refuse(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const isNamed = isFarthingError(error);
    if (!isNamed) this.#options.onFault(error);
    if (response.headersSent) response.destroy();
    else sendError(request, response, isNamed ? error : internalFault(), ENDPOINTS[endpoint].protocol);
  }
}

/** What a client learns of a fault of ours. @internal */
export function internalFault(): FarthingError {
  return new FarthingError('internal', 'an internal fault; the log of the gateway says more');
}
