import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ProviderConfig } from '../../config/config.ts';
import { FarthingError } from '../../core/errors.ts';
import type { Caller } from '../../core/model/caller.ts';
import { grantedCaller, grantedPriority, requestPriority } from '../admission/request-priority.ts';
import { METERED_PATHS } from '../call-door.ts';
import { dropCredentials, secretOf } from '../credentials.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { batchProtocolOf, type PassThrough } from '../pass-through.ts';
import { passResource } from '../resources/pass-resource.ts';
import { pathOf, spokenProtocol } from '../spoken-protocol.ts';

/** Everything else under `/v1`: refused, since it cannot be metered, unless the operator lists it under `passThrough`. @internal */
export function passThroughRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.register(async (scope) => {
    // Bodies of any type are left unread: they are streamed on.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.all('/v1/*', { config: { access: 'key', metering: 'unmetered' } }, async (request, reply) =>
      passOn(context, request, reply),
    );
  });
}

async function passOn(context: GatewayContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const path = pathOf(request.raw.url ?? '');
  const { caller } = request;
  if (caller === undefined) throw new FarthingError('unauthenticated', 'no API key');
  if (METERED_PATHS.has(path)) {
    throw new FarthingError('invalid-request', `${path} takes POST`, { status: 405 });
  }
  let way = wayOf(context, path, request.raw.headers);
  const asked = requestPriority(request.headers);
  const turn = context.admission.enter(grantedPriority(asked, caller.priority), reply.raw);
  if (turn !== undefined) await turn;
  try {
    if (turn !== undefined) {
      // The key may have been revoked, and the providers replaced, while the request waited.
      await context.state().authenticator.demandCaller(secretOf(request.headers));
      way = wayOf(context, path, request.raw.headers);
    }
    const admission = await way.passThrough.admit(grantedCaller(caller, asked));
    try {
      await forward(context, { ...way, caller }, request, reply);
    } finally {
      admission.settle(0);
    }
    return reply;
  } finally {
    context.admission.leave();
  }
}

interface Way {
  readonly passThrough: PassThrough;
  readonly provider: ProviderConfig;
  /** Whether the operator passes the path on. False: only what can be metered is taken. */
  readonly mayPassUnmetered: boolean;
}

/** Who gets a path under the settings of this moment. */
function wayOf(context: GatewayContext, path: string, headers: IncomingHttpHeaders): Way {
  const { passThrough } = context.state();
  const provider = passThrough.providerOf(path);
  if (provider !== undefined) return { passThrough, provider, mayPassUnmetered: true };
  const taking = context.deferred && passThrough.batchProviderOf(path, spokenProtocol(path, headers));
  if (taking !== undefined) return { passThrough, provider: taking, mayPassUnmetered: false };
  throw new FarthingError(
    'not-found',
    'this endpoint cannot be metered, so it is refused; the operator may list it under passThrough',
  );
}

async function forward(
  context: GatewayContext,
  target: Way & { readonly caller: Caller },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  let status = 500;
  try {
    const headers = dropCredentials(request.raw.headers);
    // A key's batches are calls of a batch, whatever else it makes.
    const caller = grantedCaller(target.caller, 'batch');
    const leaving = new AbortController();
    reply.raw.on('close', () => leaving.abort());
    status = await passResource({
      ...target,
      caller,
      headers,
      project: caller.project,
      batches: meters(context, target.provider, request.raw.url ?? '') ? context.deferred?.clientBatches : undefined,
      owners: context.resources,
      request: request.raw,
      response: reply.raw,
      maxBodyBytes: context.state().maxBodyBytes,
      signal: leaving.signal,
      onReply: () => void reply.hijack(),
    });
  } finally {
    context.metrics.passedThrough(target.provider.name, status);
  }
}

/** Whether the provider of a path speaks as its batches do: where an operator has others answer, they are passed on. */
function meters({ deferred }: GatewayContext, { protocol }: ProviderConfig, url: string): boolean {
  return deferred !== undefined && batchProtocolOf(pathOf(url)) === protocol;
}
