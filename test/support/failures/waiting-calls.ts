import { type Asker, fieldsOf, post } from '../deferred-asks.ts';
import type { FailureStage, RowContext } from './failure-stage.ts';

/** Batches are looked at every five seconds, and a step that failed is taken again after some. */
export const PATIENCE = { timeout: 60_000, interval: 300 } as const;

let asked = 0;

/** Asks the first of the gateways. */
function askerOf({ gateways }: FailureStage): Asker {
  return { ask: (path, init) => fetch(`${gateways[0]?.url}${path}`, init) };
}

/** Makes a call that may wait. */
export function postLater(stage: FailureStage, text: string, headers: Record<string, string> = {}): Promise<Response> {
  return post(askerOf(stage), text, { 'content-type': 'application/json', 'x-farthing-deadline': '6h', ...headers });
}

/** The id of a call that waits. */
export async function acceptedCall(
  { expect }: RowContext,
  stage: FailureStage,
  headers?: Record<string, string>,
): Promise<string> {
  asked += 1;
  const response = await postLater(stage, `question ${asked}`, headers);
  expect(response.status).toBe(202);
  return String((await fieldsOf(response))['id']);
}

/** 202 while a call waits, 200 once it is answered. */
export async function statusOf(stage: FailureStage, callId: string): Promise<number> {
  return (await askerOf(stage).ask(`/v1/farthing/calls/${callId}`)).status;
}

/** The record of a call, as soon as it is answered. */
export async function answeredCall({ expect }: RowContext, stage: FailureStage, callId: string): Promise<unknown> {
  await expect.poll(() => statusOf(stage, callId), PATIENCE).toBe(200);
  return fieldsOf(await askerOf(stage).ask(`/v1/farthing/calls/${callId}`));
}
