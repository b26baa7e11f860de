import type { CacheKey } from '../../core/model/cache-entry.ts';
import { type Call, decide, type Middleware, type Next, type Outcome } from '../compose.ts';
import { LeasedFlights, type LeasedFlightsOptions } from './leased-flights.ts';
import { SharedReply } from './shared-reply.ts';

/** What {@link coalesceMiddleware} needs. @internal */
export interface CoalesceOptions {
  /** Most bytes of one reply that are kept for callers who are behind or join late. */
  readonly bufferBytes: number;
  /** Undefined: calls are shared within this process only. */
  readonly leases?: LeasedFlightsOptions | undefined;
}

/**
 * Lets identical calls in flight share one attempt. Only calls that the cache would store take part. The first leads and pays;
 * a refusal of the leader is its own, the next caller then leads. With leases one process leads and the others wait for its answer in the
 * cache. Steps aside for every other call.
 * @internal
 */
export function coalesceMiddleware(options: CoalesceOptions): Middleware {
  const flights = new Map<CacheKey, SharedReply>();
  const leased = options.leases === undefined ? undefined : new LeasedFlights(options.leases);

  async function lead(call: Call, key: CacheKey, next: Next): Promise<Outcome> {
    const shared = new SharedReply(call, options.bufferBytes, () => remove(key, shared));
    flights.set(key, shared);
    const own = shared.attach(call);
    try {
      const led = { ...call, receiver: shared, signal: shared.signal };
      const outcome = await (leased === undefined ? next(led) : leased.lead(led, key, next));
      // From here on the cache answers, and knows how old the answer is; a slow reader must not keep it joinable.
      remove(key, shared);
      if (outcome.kind === 'refused') shared.handOver(call);
      else await own;
      return outcome;
    } catch (error) {
      shared.handOver(call);
      throw error;
    } finally {
      remove(key, shared);
    }
  }

  function remove(key: CacheKey, shared: SharedReply): void {
    if (flights.get(key) === shared) flights.delete(key);
  }

  async function handle(call: Call, next: Next): Promise<Outcome> {
    const { key, mayShare } = call.state;
    // One that may wait must not make others wait, nor be answered with another's promise.
    if (key === undefined || !mayShare || call.deferral !== undefined) return next(call);
    const shared = flights.get(key);
    if (shared === undefined) return lead(call, key, next);
    call.state.cacheStatus = 'collapsed';
    const result = await shared.attach(call);
    if (result.kind === 'lead') {
      call.state.cacheStatus = 'miss';
      return handle(call, next);
    }
    decide(call, 'coalesce', 'follow');
    return { kind: result.kind, facts: undefined };
  }

  return { name: 'coalesce', handle };
}
