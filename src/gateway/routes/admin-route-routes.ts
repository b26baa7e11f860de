import type { FastifyInstance } from 'fastify';
import { routeStatusJson } from '../../engine/guard/route-status.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

/** Routes whose quality is guarded: what is certified, on what evidence, and what that costs. @internal */
export function adminRouteRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get('/admin/v1/routes', { config: { access: 'admin', metering: 'none' } }, async (_request, reply) => {
    const statuses = context.state().routeGuard?.statuses() ?? [];
    return jsonReply(reply, { routes: statuses.map(routeStatusJson) });
  });
}
