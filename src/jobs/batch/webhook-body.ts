import type { DeferredCall, JobResult } from '../../core/model/deferred-call.ts';
import type { SignedMessage } from '../signed-post.ts';

/** What a client is told: which call is answered and whether well, and nothing of what is in it. @internal */
export function webhookBody(call: DeferredCall, result: JobResult): SignedMessage {
  const { callId, deadlineAtMs } = call;
  const id = `done_${callId}`;
  const body = JSON.stringify({
    kind: 'call-finished',
    id,
    callId,
    status: result.outcome === 'complete' ? 'completed' : 'failed',
    way: result.way,
    finishedAt: new Date(result.finishedAtMs).toISOString(),
    deadline: deadlineAtMs === undefined ? null : deadlineOf(deadlineAtMs, result),
    poll: `/v1/farthing/calls/${callId}`,
  });
  return { id, body };
}

function deadlineOf(deadlineAtMs: number, { finishedAtMs }: JobResult): { readonly at: string; readonly met: boolean } {
  return { at: new Date(deadlineAtMs).toISOString(), met: finishedAtMs <= deadlineAtMs };
}
