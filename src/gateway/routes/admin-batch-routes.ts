import type { FastifyInstance } from 'fastify';
import { queueFacts } from '../../core/model/deferred-call.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import type { QueueSummary } from '../../ports/job-store.ts';
import { fieldsOf, momentField } from '../admin-input.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

/** For how long batches are shown that are over, in milliseconds: what was done today. */
const SHOWN_MS = 86_400_000;

/** `GET /admin/v1/batches`: batches under way, those settled since a moment (a day ago by default), and what waits for one. @internal */
export function adminBatchRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get('/admin/v1/batches', { config: { access: 'admin', metering: 'none' } }, async (request, reply) => {
    const fields = fieldsOf(request.query, ['settledSince']);
    const settledSinceMs = momentField(fields, 'settledSince') ?? context.clock.nowMs() - SHOWN_MS;
    const book = context.deferred?.book;
    const [waiting = [], open = [], settled = []] = await Promise.all([
      book?.queues(),
      book?.batches({}),
      book?.batches({ settledSinceMs }),
    ]);
    return jsonReply(reply, {
      waiting: waiting.map(waitingJson),
      open: open.map(batchJson),
      settled: settled.map(batchJson),
    });
  });
}

function waitingJson(summary: QueueSummary): Readonly<Record<string, unknown>> {
  const { queue, run, jobs, sizeBytes, inputTokens, oldestAtMs, earliestLiveAtMs } = summary;
  const { target, endpoint } = queueFacts(queue);
  return {
    target,
    endpoint,
    run,
    jobs,
    sizeBytes,
    inputTokens,
    oldestAtMs,
    earliestLiveAtMs: earliestLiveAtMs ?? null,
  };
}

function batchJson({ queue, ...batch }: ProviderBatch): Readonly<Record<string, unknown>> {
  const { target, endpoint } = queueFacts(queue);
  const { batchId, providerId, run, stage, requests, sizeBytes, inputTokens, isCancelled, failures, fault } = batch;
  const { formedAtMs, submittedAtMs, endedAtMs, nextAtMs } = batch;
  return {
    batchId,
    providerId: providerId ?? null,
    target,
    endpoint,
    run,
    stage,
    requests,
    sizeBytes,
    inputTokens,
    formedAtMs,
    submittedAtMs: submittedAtMs ?? null,
    endedAtMs: endedAtMs ?? null,
    nextAtMs,
    isCancelled,
    failures,
    fault: fault ?? null,
  };
}
