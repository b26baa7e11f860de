import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FarthingError } from '../../core/errors.ts';
import type { Caller } from '../../core/model/caller.ts';
import { modelBody, modelsListBody } from '../../wire/models-list.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { listedModel, listedModels } from '../listed-models.ts';
import { spokenProtocol } from '../spoken-protocol.ts';

const ACCESS = { config: { access: 'key', metering: 'none' } } as const;

/** `GET /v1/models` and `/v1/models/:id`, in Anthropic's shape for whoever sends its version header: what the key may ask for. @internal */
export function modelRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get('/v1/models', ACCESS, async (request, reply) => {
    const protocol = spokenProtocol('', request.headers);
    return send(reply, modelsListBody(listedModels(context.state().routes, protocol, callerOf(request)), protocol));
  });

  // A wildcard, since names have slashes: openai/gpt-5.4-mini.
  app.get<{ Params: { '*': string } }>('/v1/models/*', ACCESS, async (request, reply) => {
    const protocol = spokenProtocol('', request.headers);
    const model = listedModel(context.state().routes, request.params['*'], protocol, callerOf(request));
    if (model === undefined) throw new FarthingError('model-not-found', 'there is no such model for this key');
    return send(reply, modelBody(model, protocol));
  });
}

function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) throw new FarthingError('unauthenticated', 'no API key');
  return caller;
}

function send(reply: FastifyReply, body: string): FastifyReply {
  return reply.headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }).send(body);
}
