import type { BatchResult } from '../../client/batch/batch-result.ts';
import type { InputFormat } from './input-format.ts';

/**
 * A result as a line. For requests in the shape of OpenAI's output files, so that what reads those reads these; for prompts by line, with the text of the answer.
 * What it cost stands beside, under `farthing`.
 * @internal
 */
export function resultLine(result: BatchResult, format: InputFormat): string {
  const shape = format === 'requests' ? requestResult(result) : promptResult(result);
  return JSON.stringify({ ...shape, farthing: accountOf(result) });
}

function requestResult(result: BatchResult): object {
  const { callId = null } = result;
  const custom_id = result.id ?? null;
  if (result.kind === 'answer') {
    const response = { status_code: 200, request_id: callId, body: result.body };
    return { id: callId, custom_id, response, error: null };
  }
  const { error, body } = result;
  // As OpenAI has it: what the provider said is a response, what never got there is an error.
  const response = body === undefined ? null : { status_code: error.status, request_id: callId, body };
  return { id: callId, custom_id, response, error: errorOf(error) };
}

function promptResult(result: BatchResult): object {
  const line = Number(result.id);
  if (result.kind === 'answer') return { line, content: result.content, model: result.model, error: null };
  return { line, content: null, model: null, error: errorOf(result.error) };
}

function errorOf({ code, message }: { readonly code: string; readonly message: string }): object {
  return { code, message };
}

function accountOf(result: BatchResult): object {
  const { callId = null, costUsd = null, isRepeat } = result;
  if (result.kind === 'error') return { call_id: callId, cost_usd: costUsd, is_repeat: isRepeat };
  const { savedUsd = null, fromCache } = result;
  return { call_id: callId, cost_usd: costUsd, saved_usd: savedUsd, from_cache: fromCache, is_repeat: isRepeat };
}
