import { FarthingError } from '../../core/errors.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import type { Provider, ProviderRequest } from '../../ports/provider.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { outputLimitMembers } from '../../wire/output-limit.ts';
import { spliceRequest } from '../../wire/splice-request.ts';
import { type Call, type Middleware, type Outcome } from '../compose.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { ReplyListener } from './reply-listener.ts';

/** What {@link dispatchMiddleware} needs. @internal */
export interface DispatchOptions {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly timeouts: DispatchTimeouts;
  /** Whose models a target's provider has: how it wants to be told a limit. */
  readonly vendorOf: (target: Target) => string | undefined;
  /** Largest whole reply that is held in memory, in bytes. */
  readonly maxReplyBytes: number;
}

/** Times after which a provider is given up, in milliseconds. @public */
export interface DispatchTimeouts {
  /** To the head of a streamed reply. A whole reply has the total time alone. */
  readonly firstByteMs: number;
  /** Between bytes of a stream; pings count as life. */
  readonly idleMs: number;
  /** For the whole attempt. */
  readonly totalMs: number;
}

/**
 * Sends the call to its first target and passes the reply on as it comes. The last step of the attempt chain; it refuses when the
 * target's provider is not there, so it is not one of those that step aside.
 * @internal
 */
export function dispatchMiddleware(options: DispatchOptions): Middleware {
  return {
    name: 'dispatch',
    handle(call) {
      const { request, plan } = call.state;
      if (request === undefined || plan === undefined) throw new FarthingError('internal', 'dispatch before route');
      const target = plan.targets[0];
      const provider = options.providers.get(target.provider);
      if (provider === undefined) throw new FarthingError('internal', `no provider ${target.provider}`);
      return exchange(call, request, target, provider, options);
    },
  };
}

function exchange(
  call: Call,
  request: DecodedRequest,
  target: Target,
  provider: Provider,
  options: DispatchOptions,
): Promise<Outcome> {
  const { timeouts } = options;
  const deadline = new AbortController();
  const leave = (): void => deadline.abort(new FarthingError('client-left', 'nobody waits for the answer'));
  if (call.signal.aborted) leave();
  call.signal.addEventListener('abort', leave, { once: true });
  const timer = setTimeout(() => {
    deadline.abort(
      new FarthingError('provider-timeout', `${formatTarget(target)} took longer than ${timeouts.totalMs} ms`),
    );
  }, timeouts.totalMs).unref();
  const listener = new ReplyListener(call.endpoint, call.receiver, options.maxReplyBytes, (error) => {
    clearTimeout(timer);
    call.signal.removeEventListener('abort', leave);
    // Where the reply was given up here, the provider must stop sending it.
    if (error !== undefined) deadline.abort(error);
  });
  if (deadline.signal.aborted) {
    listener.onError(deadline.signal.reason as FarthingError, false);
    return listener.outcome;
  }
  listener.exchange = provider.send(
    {
      path: `${ENDPOINTS[call.endpoint].providerPath}${call.query === '' ? '' : `?${call.query}`}`,
      method: 'POST',
      // The caller's credentials were sent to one provider's address: an alias that leads elsewhere must not take them along.
      headers: forwardedHeaders(call.headers, target.provider === call.pinnedProvider ? call.credentials : undefined),
      body: attemptBody(call, request, target, options),
      signal: deadline.signal,
      headTimeoutMs: request.isStream ? timeouts.firstByteMs : timeouts.totalMs,
      idleTimeoutMs: timeouts.idleMs,
    } satisfies ProviderRequest,
    listener,
  );
  return listener.outcome;
}

/** The caller's bytes, changed only where they must be: the model's name, asking for the usage of a stream, an output limit that a budget needs. */
function attemptBody(call: Call, request: DecodedRequest, target: Target, options: DispatchOptions): Uint8Array {
  const outputTokens = call.state.hold?.boundOf(target)?.outputTokens;
  const asksUsage = call.endpoint === 'chat' && request.isStream && !request.wantsUsageChunk;
  const edited = spliceRequest(request, {
    ...(request.model === target.model ? {} : { model: target.model }),
    ...(asksUsage ? { includeUsage: true as const } : {}),
    ...(outputTokens === undefined
      ? {}
      : { members: outputLimitMembers(request, outputTokens, options.vendorOf(target)) }),
  });
  return edited ?? call.body;
}
