import type { FastifyInstance } from 'fastify';
import { FarthingError } from '../../core/errors.ts';
import { jsonReply } from '../json-reply.ts';
import type { GatewayContext } from '../gateway-context.ts';

/** `GET /v1/farthing/calls/:id`: the record of a call, for the project that made it; to all others it does not exist. @internal */
export function callRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get<{ Params: { id: string } }>(
    '/v1/farthing/calls/:id',
    { config: { access: 'key', metering: 'none' } },
    async (request, reply) => {
      const project = request.caller?.project ?? '';
      const record = await context.state().engine.callRecord(request.params.id, project);
      if (record === undefined) throw new FarthingError('not-found', 'there is no such call, or it is not finished');
      return jsonReply(reply, record);
    },
  );
}
