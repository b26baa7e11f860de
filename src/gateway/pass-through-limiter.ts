import type { Config } from '../config/config.ts';
import { CallLimiter } from '../middleware/limits/call-limiter.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import { projectLimits } from './build-engine.ts';
import type { GatewayStores } from './gateway-stores.ts';

/** What {@link passThroughLimiter} is made from. @internal */
export interface PassThroughLimiterParts {
  readonly stores: Pick<GatewayStores, 'limits' | 'ledger'>;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Holds what is passed through to the limits of its key and project. It counts in the store in which the engine counts metered calls, as
 * another process would: both together keep a limit once.
 * @internal
 */
export function passThroughLimiter(config: Config, { stores, ...ports }: PassThroughLimiterParts): CallLimiter {
  return new CallLimiter({
    ...ports,
    store: stores.limits,
    projects: projectLimits(config),
    ownerId: stores.ledger.ownerId,
  });
}
