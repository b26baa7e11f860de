import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FarthingError } from '../../core/errors.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import { claimAnswer } from '../deferred/claimed-answer.ts';
import {
  answerHeaders,
  deferredStatus,
  doneCallJson,
  openCallJson,
  retrySeconds,
} from '../deferred/deferred-call-json.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

const ACCESS = { config: { access: 'key', metering: 'none' } } as const;
const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

interface ById {
  readonly Params: { readonly id: string };
}

/** `/v1/farthing/calls/:id`: a call, for the project that made it; to all others it does not exist. @internal */
export function callRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get<ById>('/v1/farthing/calls/:id', ACCESS, async (request, reply) => {
    const job = await jobOf(context, request);
    if (job !== undefined) return deferredReply(context, reply, job);
    const record = await context.state().engine.callRecord(request.params.id, projectOf(request));
    if (record === undefined) throw unknownCall();
    return jsonReply(reply, record);
  });

  app.get<ById>('/v1/farthing/calls/:id/response', ACCESS, async (request, reply) => {
    const job = await jobOf(context, request);
    if (job === undefined) throw unknownCall();
    return bareAnswer(context, reply, job);
  });

  app.delete<ById>('/v1/farthing/calls/:id', ACCESS, async (request, reply) => {
    const job = await context.deferred?.calls.cancel(request.params.id, projectOf(request));
    if (job === undefined) throw unknownCall();
    return deferredReply(context, reply, job);
  });
}

async function jobOf(context: GatewayContext, request: FastifyRequest<ById>): Promise<Job | undefined> {
  const job = await context.deferred?.calls.find(request.params.id, projectOf(request));
  if (job !== undefined) await claimAnswer(job, context.resources);
  return job;
}

function projectOf({ caller }: FastifyRequest<ById>): string {
  return caller?.project ?? '';
}

function deferredReply({ clock }: GatewayContext, reply: FastifyReply, job: Job): FastifyReply {
  const nowMs = clock.nowMs();
  if (job.result !== undefined) return reply.headers(JSON_HEADERS).send(doneCallJson(job, job.result, nowMs));
  reply.header('retry-after', String(retrySeconds(job, nowMs)));
  return jsonReply(reply, openCallJson(job, nowMs), 202);
}

/** The answer as its provider gave it, for clients that read nothing else. */
function bareAnswer({ clock }: GatewayContext, reply: FastifyReply, job: Job): FastifyReply {
  const { result } = job;
  const nowMs = clock.nowMs();
  if (result === undefined) {
    throw new FarthingError('invalid-request', `the call is not answered yet: it is ${deferredStatus(job, nowMs)}`, {
      status: 409,
      retryable: true,
      retryAfterMs: retrySeconds(job, nowMs) * 1000,
    });
  }
  if (result.body === '') throw new FarthingError('not-found', 'the answer is in the results of its batch');
  return reply.code(result.status).headers(answerHeaders(job, result)).send(result.body);
}

function unknownCall(): FarthingError {
  return new FarthingError('not-found', 'there is no such call, or it is not finished');
}
