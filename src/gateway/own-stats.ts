import type { GatewayContext } from './gateway-context.ts';
import type { WorkerStats } from './workers/worker-group.ts';

/** What this process has counted for `/admin/v1/stats`. @internal */
export function ownStats({
  clock,
  startedAtMs,
  door,
  metrics,
}: Pick<GatewayContext, 'clock' | 'startedAtMs' | 'metrics'> & {
  readonly door: Pick<GatewayContext['door'], 'inFlight'>;
}): WorkerStats {
  return {
    uptimeMs: clock.nowMs() - startedAtMs,
    inFlight: door.inFlight,
    memoryBytes: process.memoryUsage.rss(),
    calls: [...metrics.totals()],
  };
}
