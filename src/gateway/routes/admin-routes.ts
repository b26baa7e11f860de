import type { FastifyInstance } from 'fastify';
import { FarthingError, isFarthingError } from '../../core/errors.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';
import { ownStats } from '../own-stats.ts';
import { summedStats } from '../workers/sum-reports.ts';
import type { WorkerStats } from '../workers/worker-group.ts';
import { adminBatchRoutes } from './admin-batch-routes.ts';
import { adminBudgetRoutes } from './admin-budget-routes.ts';
import { adminCacheRoutes } from './admin-cache-routes.ts';
import { adminIdRoutes } from './admin-id-routes.ts';
import { adminKeyRoutes } from './admin-key-routes.ts';
import { adminLedgerRoutes } from './admin-ledger-routes.ts';
import { adminRouteRoutes } from './admin-route-routes.ts';

/** `/admin/v1`: what an operator may see and do, with the admin key only. @internal */
export function adminRoutes(app: FastifyInstance, context: GatewayContext): void {
  adminKeyRoutes(app, context);
  adminBudgetRoutes(app, context);
  adminCacheRoutes(app, context);
  adminIdRoutes(app, context);
  adminLedgerRoutes(app, context);
  adminRouteRoutes(app, context);
  adminBatchRoutes(app, context);

  app.get('/admin/v1/stats', { config: { access: 'admin', metering: 'none' } }, async (_request, reply) =>
    jsonReply(reply, {
      ...(await stats(context)),
      isDraining: context.admission.isDraining,
    }),
  );

  app.get('/admin/v1/config', { config: { access: 'admin', metering: 'none' } }, async (_request, reply) =>
    jsonReply(reply, { values: context.state().explained }),
  );

  app.post('/admin/v1/reload', { config: { access: 'admin', metering: 'none' } }, async (_request, reply) => {
    await reload(context);
    return jsonReply(reply, { reloaded: true });
  });
}

/** What all workers have counted, and how many they are. */
async function stats(context: GatewayContext): Promise<WorkerStats & { readonly workers: number }> {
  const report = await context.workers?.report();
  if (report === undefined) return { ...ownStats(context), workers: 1 };
  return { ...summedStats(report), workers: report.facts.workers };
}

/** A faulty file is the operator's to mend, not a fault of ours. */
async function reload(context: GatewayContext): Promise<void> {
  try {
    await context.reload();
  } catch (error) {
    if (!isFarthingError(error) || error.code !== 'configuration') throw error;
    throw new FarthingError('configuration', error.message, { status: error.status === 500 ? 400 : error.status });
  }
}
