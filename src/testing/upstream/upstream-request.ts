import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import { asObject, asText, type JsonObject, objectsOf } from '../../simulator/json-value.ts';

/** What a faulty upstream reads of a request. @internal */
export interface UpstreamRequest {
  readonly endpoint: Endpoint;
  readonly model: string;
  readonly isStream: boolean;
  /** Whether a chat stream states its usage. */
  readonly wantsUsage: boolean;
  readonly wantsBase64: boolean;
  /** The last text of the user, which decides the answer; of embeddings the first input. */
  readonly prompt: string;
  /** The inputs of an embedding. */
  readonly inputs: readonly string[];
  /** What the caller put into the mouth of the assistant behind the prompt: the answer goes on from there. */
  readonly begun: string;
}

/** Reads a request by its path and body; undefined when no endpoint is there or the body is no object. @internal */
export function upstreamRequest(path: string, bodyText: string): UpstreamRequest | undefined {
  const endpoint = (Object.keys(ENDPOINTS) as Endpoint[]).find((name) => ENDPOINTS[name].clientPath === path);
  const body = parsed(bodyText);
  if (endpoint === undefined || body === undefined) return undefined;
  const items = objectsOf(endpoint === 'responses' ? body['input'] : body['messages']);
  const inputs = endpoint === 'embeddings' ? inputsOf(body['input']) : [];
  const lastUser = items.findLast((item) => item['role'] === 'user');
  const last = items.at(-1);
  return {
    endpoint,
    model: asText(body['model']) ?? '',
    isStream: body['stream'] === true && ENDPOINTS[endpoint].streams,
    wantsUsage: asObject(body['stream_options'])?.['include_usage'] === true,
    wantsBase64: body['encoding_format'] === 'base64',
    prompt: inputs[0] ?? asText(body['input']) ?? textOf(lastUser?.['content']),
    inputs,
    begun: last?.['role'] === 'assistant' ? textOf(last['content']) : '',
  };
}

function parsed(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined; // what is no JSON is no request, which the caller answers with 400
  }
}

function inputsOf(input: unknown): readonly string[] {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) return [];
  if (input.every((item) => typeof item === 'number')) return [JSON.stringify(input)];
  return input.map((item: unknown) => asText(item) ?? JSON.stringify(item));
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return objectsOf(content)
    .map((part) => asText(part['text']) ?? '')
    .join('');
}
