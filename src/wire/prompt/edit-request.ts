import { FarthingError } from '../../core/errors.ts';
import { decodeRequest } from '../decode-request.ts';
import type { DecodedRequest } from '../decoded-request.ts';
import { NO_REQUEST_LIMITS } from '../json-limits.ts';
import { type BlockDress, EditPlan } from './edit-plan.ts';
import { type JsonPath, JsonRanges } from './json-ranges.ts';
import type { RequestEdit } from './request-edit.ts';
import { splicedText } from './text-splices.ts';

const utf8 = new TextEncoder();

/**
 * Changes a request at places of its prompt, and leaves every other byte as the caller wrote it: big integers, spacing, escapes, order and unknown fields survive.
 * All edits name places of the request as it is given; none may touch what another takes out or replaces.
 * @returns the request that the new text says; the same object where nothing changes.
 * @throws FarthingError `internal` where an edit names a place that is not there, where two contradict each other, or where the result is no sound request: each a
 * mistake of the caller, for which no edit is left out silently.
 * @public
 */
export function editRequest(request: DecodedRequest, edits: readonly RequestEdit[]): DecodedRequest {
  if (edits.length === 0) return request;
  const plan = new EditPlan(new JsonRanges(request.text, request.members), (path) => blockDress(request, path));
  for (const edit of edits) plan.add(edit);
  const text = splicedText(request.text, plan.splices());
  return text === request.text ? request : decoded(request, text);
}

function decoded({ endpoint }: DecodedRequest, text: string): DecodedRequest {
  try {
    return decodeRequest(endpoint, utf8.encode(text), NO_REQUEST_LIMITS);
  } catch (error) {
    throw new FarthingError('internal', 'the edits of a request leave none that is sound', { cause: error });
  }
}

function blockDress({ endpoint }: DecodedRequest, path: JsonPath): BlockDress {
  const isResponses = endpoint === 'responses';
  const opening = `{"type":"${isResponses ? 'input_text' : 'text'}","text":`;
  if (typeof path.at(-1) === 'number') return { opening, closing: '}' };
  // The whole input as one string is what the user says.
  if (isResponses && path.length === 1) {
    return { opening: `[{"role":"user","content":[${opening}`, closing: '}]}]' };
  }
  return { opening: `[${opening}`, closing: '}]' };
}
