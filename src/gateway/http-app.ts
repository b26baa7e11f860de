import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { FarthingError, isFarthingError } from '../core/errors.ts';
import type { Caller } from '../core/model/caller.ts';
import { internalFault } from './call-door.ts';
import { secretOf } from './credentials.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type HttpRoute, type RouteAccess, type RouteTerms, routeTerms } from './http-route.ts';
import { isLoopbackHost } from './request-guard.ts';
import { adminRoutes } from './routes/admin-routes.ts';
import { callRoutes } from './routes/call-routes.ts';
import { healthRoutes } from './routes/health-routes.ts';
import { modelRoutes } from './routes/model-routes.ts';
import { passThroughRoutes } from './routes/pass-through-routes.ts';
import { errorReply } from './send-error.ts';
import { pathOf, spokenProtocol } from './spoken-protocol.ts';

declare module 'fastify' {
  interface FastifyContextConfig extends Partial<RouteTerms> {}
  interface FastifyRequest {
    /** Set on routes with the access `key`. */
    caller: Caller | undefined;
  }
}

/** The router and the routes that it has. @internal */
export interface HttpApp {
  readonly listener: RequestListener;
  readonly routes: readonly HttpRoute[];
  close(): Promise<void>;
}

/** Largest body of an admin request, in bytes: a key with every limit set is under 10 KB. */
const MAX_ADMIN_BODY_BYTES = 1_000_000;

/**
 * Everything but metered calls, on Fastify. A route without `config.access` and `config.metering` cannot be registered.
 * @internal
 */
export async function httpApp(context: GatewayContext): Promise<HttpApp> {
  let listener: RequestListener | undefined;
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    bodyLimit: MAX_ADMIN_BODY_BYTES,
    // Fastify hands its listener over and gets a server that never listens: the front door owns the real one.
    serverFactory: (handler) => {
      listener = handler;
      return createServer();
    },
    frameworkErrors: (error, request, reply) => {
      void answerError(context, error, request, reply);
    },
  });
  const routes: HttpRoute[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    const terms = routeTerms(url, config);
    for (const name of [method].flat()) routes.push({ method: name, path: url, ...terms });
  });
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', async (request) => authenticate(context, request));
  app.setErrorHandler<FastifyError>((error, request, reply) => answerError(context, error, request, reply));
  app.setNotFoundHandler(() => {
    throw new FarthingError('not-found', 'there is nothing at this address');
  });
  registerRoutes(app, context);
  await app.ready();
  if (listener === undefined) throw new Error('Fastify made no listener');
  return { listener, routes, close: () => app.close() };
}

function registerRoutes(app: FastifyInstance, context: GatewayContext): void {
  healthRoutes(app, context);
  modelRoutes(app, context);
  callRoutes(app, context);
  adminRoutes(app, context);
  passThroughRoutes(app, context);
}

async function authenticate(context: GatewayContext, request: FastifyRequest): Promise<void> {
  const { authenticator, config } = context.state();
  const secret = secretOf(request.headers);
  // Paths that do not exist: under /v1 and /admin one has to be known to learn even that.
  const access = request.routeOptions.config?.access ?? accessOfUnknown(pathOf(request.url));
  switch (access) {
    case 'open':
      return;
    case 'operator':
      if (!isLoopbackHost(config.listen.host)) authenticator.demandAdmin(secret);
      return;
    case 'admin':
      authenticator.demandAdmin(secret);
      return;
    case 'key':
      request.caller = authenticator.knownCaller(secret) ?? (await authenticator.demandCaller(secret));
  }
}

function accessOfUnknown(path: string): RouteAccess {
  if (/^\/v1(?:\/|$)/i.test(path)) return 'key';
  return /^\/admin(?:\/|$)/i.test(path) ? 'admin' : 'open';
}

function answerError(
  context: GatewayContext,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const named = isFarthingError(error) ? error : frameworkFault(error);
  if (named === undefined) {
    context.metrics.internalFault();
    context.log.error({ error, route: request.routeOptions.url }, 'internal fault');
  }
  const answer = errorReply(named ?? internalFault(), spokenProtocol(pathOf(request.url), request.headers));
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
}

/** Fastify's own refusals; undefined for what is a fault of ours. */
function frameworkFault(error: unknown): FarthingError | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  switch (error.statusCode) {
    case 400:
      return new FarthingError(
        'invalid-request',
        'the request cannot be read: is its body JSON and its address well-formed?',
      );
    case 404:
      return new FarthingError('not-found', 'there is nothing at this address');
    case 413:
      return new FarthingError('payload-too-large', `the body is larger than ${MAX_ADMIN_BODY_BYTES} bytes`);
    case 414:
      return new FarthingError('invalid-request', 'the address is too long', { status: 414 });
    case 415:
      return new FarthingError('unsupported-media-type', 'send the body with content-type: application/json');
    default:
      return undefined;
  }
}
