import { isFarthingError } from '../../core/errors.ts';
import type { NamedId } from '../named-ids.ts';
import { passedBodyIds } from '../passed-body-ids.ts';
import { memberRange } from '../replay-json-range.ts';
import { isObject, type JsonObject } from '../request-guards.ts';

/** A request in a batch that a client has made. @internal */
export interface ClientBatchRow {
  readonly kind: 'row';
  readonly customId: string;
  /** As the client wrote it. */
  readonly body: Uint8Array;
  /** Ids that it names. */
  readonly ids: readonly NamedId[];
}

/** What is wrong with a request of a batch, to stand behind its place. Holds nothing of the request. @internal */
export interface ClientRowFault {
  readonly kind: 'fault';
  readonly param: string | undefined;
  readonly fault: string;
}

/** Custom ids that Anthropic takes (API reference, "Create a Message Batch"). */
const ANTHROPIC_ID = /^[\w-]{1,64}$/;

const encoder = new TextEncoder();

/** That of UTF-8, which some editors put in front of a file. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

const decoder = new TextDecoder();

/**
 * Reads a line of the input file of an OpenAI batch.
 * @param endpoint - The path that the batch is for.
 * @internal
 */
export function openaiBatchRow(line: Uint8Array, endpoint: string): ClientBatchRow | ClientRowFault {
  // Some readers pass over it, others do not: and ours here would.
  if (BYTE_ORDER_MARK.every((byte, index) => line[index] === byte))
    return fault(undefined, 'begins with a byte order mark');
  let ids: readonly NamedId[];
  try {
    ids = passedBodyIds(line);
  } catch (error) {
    if (!isFarthingError(error)) throw error;
    return fault(undefined, 'is not sound JSON');
  }
  const fields = objectIn(line);
  if (fields === undefined) return fault(undefined, 'is not a JSON object');
  const { custom_id: customId, method, url, body } = fields;
  if (typeof customId !== 'string' || customId === '') return fault('custom_id', 'must be a text that is not empty');
  if (method !== 'POST') return fault('method', 'must be POST');
  if (url !== endpoint) return fault('url', 'must be the endpoint of the batch');
  if (!isObject(body)) return fault('body', 'must be an object');
  if (body['stream'] === true) return fault('body.stream', 'cannot be true in a batch');
  return { kind: 'row', customId, body: bytesOf(line, 'body', body), ids };
}

/**
 * Reads an element of the `requests` of an Anthropic batch. The ids in it were looked for in the whole request.
 * @param element - Sound JSON.
 * @internal
 */
export function anthropicBatchRow(element: Uint8Array): ClientBatchRow | ClientRowFault {
  const fields = objectIn(element);
  if (fields === undefined) return fault(undefined, 'is not a JSON object');
  const { custom_id: customId, params } = fields;
  if (typeof customId !== 'string' || !ANTHROPIC_ID.test(customId)) {
    return fault('custom_id', 'must be 1 to 64 letters, digits, hyphens or underscores');
  }
  if (!isObject(params)) return fault('params', 'must be an object');
  if (params['stream'] === true) return fault('params.stream', 'cannot be true in a batch');
  return { kind: 'row', customId, body: bytesOf(element, 'params', params), ids: [] };
}

function fault(param: string | undefined, text: string): ClientRowFault {
  return { kind: 'fault', param, fault: param === undefined ? text : `\`${param}\` ${text}` };
}

function objectIn(bytes: Uint8Array): JsonObject | undefined {
  const value: unknown = JSON.parse(decoder.decode(bytes));
  return isObject(value) ? value : undefined;
}

/** Written anew where its key is spelled with escapes. A copy: the line is one of many in a larger buffer. */
function bytesOf(bytes: Uint8Array, key: string, value: JsonObject): Uint8Array {
  const range = memberRange(bytes, 0, key);
  return range === undefined ? encoder.encode(JSON.stringify(value)) : bytes.slice(...range);
}
