import type { GatewayContext } from './gateway-context.ts';
import type { WorkerStats } from './workers/worker-group.ts';

/** What this process has counted for `/admin/v1/stats`. @internal */
export function ownStats({
  clock,
  startedAtMs,
  admission,
  metrics,
}: Pick<GatewayContext, 'clock' | 'startedAtMs' | 'metrics'> & {
  readonly admission: Pick<GatewayContext['admission'], 'inFlight'>;
}): WorkerStats {
  return {
    uptimeMs: clock.nowMs() - startedAtMs,
    inFlight: admission.inFlight,
    memoryBytes: process.memoryUsage.rss(),
    calls: [...metrics.totals()],
  };
}
