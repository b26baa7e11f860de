import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { readProviderLimits } from '../../core/limit/provider-limits.ts';
import { retryAfterMs } from '../../core/resilience/retry-after.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Provider, ProviderRequest } from '../../ports/provider.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { attemptBody } from '../attempt-body.ts';
import { attemptOf, type Call, type Middleware, type Outcome } from '../compose.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { ReplyListener, type ReplyListenerOptions } from './reply-listener.ts';

/** What {@link dispatchMiddleware} needs. @internal */
export interface DispatchOptions {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly timeouts: DispatchTimeouts;
  /** Whose models a target's provider has: how it wants to be told a limit. */
  readonly vendorOf: (target: Target) => string | undefined;
  /** Largest whole reply that is held in memory, in bytes. */
  readonly maxReplyBytes: number;
  readonly clock: Clock;
}

/** Times after which a provider is given up, in milliseconds. @public */
export interface DispatchTimeouts {
  /** To the first byte of a streamed reply's body. A whole reply has the total time alone. */
  readonly firstByteMs: number;
  /** Between bytes of a stream; pings count as life. */
  readonly idleMs: number;
  /** For the whole call, all its attempts and the pauses between them. */
  readonly totalMs: number;
}

/**
 * Sends an attempt to its target and passes the reply on as it comes. The last step of the attempt chain; it refuses when the
 * target's provider is not there, so it is not one of those that step aside.
 * @internal
 */
export function dispatchMiddleware(options: DispatchOptions): Middleware {
  return {
    name: 'dispatch',
    handle(call) {
      const { request, target } = attemptOf(call);
      const { provider: name } = target;
      const provider = options.providers.get(name);
      if (provider === undefined) throw new FarthingError('internal', `no provider ${name}`);
      return exchange(call, request, provider, options);
    },
  };
}

function exchange(call: Call, request: DecodedRequest, provider: Provider, options: DispatchOptions): Promise<Outcome> {
  const { timeouts } = options;
  const { target, keyIndex } = attemptOf(call);
  const giveUp = new AbortController();
  const timers = attemptTimers(call, request, options, (error) => giveUp.abort(error));
  const leave = (): void => giveUp.abort(leavingError(call.signal));
  if (call.signal.aborted) leave();
  call.signal.addEventListener('abort', leave, { once: true });
  const listener = new ReplyListener({
    endpoint: call.endpoint,
    receiver: call.receiver,
    samples: request.samples,
    maxReplyBytes: options.maxReplyBytes,
    maskSecrets: provider.maskSecrets?.bind(provider),
    onHead: paceListener(call, formatTarget(target), options.clock),
    onFirstByte: () => clearTimeout(timers.firstByte),
    onOver: (error) => {
      clearTimeout(timers.firstByte);
      clearTimeout(timers.total);
      call.signal.removeEventListener('abort', leave);
      // Where the reply was given up here, the provider must stop sending it.
      if (error !== undefined) giveUp.abort(error);
    },
  });
  if (giveUp.signal.aborted) {
    listener.onError(giveUp.signal.reason as FarthingError, false);
    return listener.outcome;
  }
  listener.exchange = provider.send(
    {
      path: `${ENDPOINTS[call.endpoint].providerPath}${call.query === '' ? '' : `?${call.query}`}`,
      method: 'POST',
      // The caller's credentials were sent to one provider's address: an alias that leads elsewhere must not take them along.
      headers: forwardedHeaders(call.headers, target.provider === call.pinnedProvider ? call.credentials : undefined),
      body: attemptBody(call, options.vendorOf),
      signal: giveUp.signal,
      headTimeoutMs: timeouts.totalMs,
      // A whole reply comes when it is ready; some providers send blanks until then, others nothing.
      idleTimeoutMs: request.isStream ? timeouts.idleMs : timeouts.totalMs,
      keyIndex,
    } satisfies ProviderRequest,
    listener,
  );
  return listener.outcome;
}

/** Reads what a reply says of the account's limits, where somebody wants to know. */
function paceListener({ onPace }: Call, target: string, clock: Clock): ReplyListenerOptions['onHead'] {
  if (onPace === undefined) return undefined;
  return (status, headers) => {
    const nowMs = clock.nowMs();
    onPace({
      target,
      status,
      limits: readProviderLimits(headers, nowMs),
      retryAfterMs: retryAfterMs(headers, nowMs),
    });
  };
}

/** Why nobody waits any more: the client left, or another attempt of the call was faster. */
function leavingError(signal: AbortSignal): FarthingError {
  const reason: unknown = signal.reason;
  return isFarthingError(reason) && reason.code === 'attempt-dropped'
    ? reason
    : new FarthingError('client-left', 'nobody waits for the answer');
}

interface AttemptTimers {
  /** Undefined for whole replies. */
  readonly firstByte: NodeJS.Timeout | undefined;
  readonly total: NodeJS.Timeout;
}

function attemptTimers(
  call: Call,
  request: DecodedRequest,
  { timeouts, clock }: DispatchOptions,
  onTimeout: (error: FarthingError) => void,
): AttemptTimers {
  const { target, deadlineAt } = attemptOf(call);
  const name = formatTarget(target);
  const after = (ms: number, message: string): NodeJS.Timeout =>
    setTimeout(() => onTimeout(new FarthingError('provider-timeout', message, { retryable: true })), ms).unref();
  const leftMs = Math.max(0, deadlineAt - clock.monotonicMs());
  return {
    firstByte: request.isStream
      ? after(timeouts.firstByteMs, `${name} sent nothing for ${timeouts.firstByteMs} ms`)
      : undefined,
    total: after(leftMs, `the call took longer than ${timeouts.totalMs} ms; ${name} was asked last`),
  };
}
