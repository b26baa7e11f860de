import { withModel } from '../../client/batch/prepared-item.ts';
import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import { NO_REQUEST_LIMITS } from '../../wire/json-limits.ts';
import { scanJson } from '../../wire/json-scan.ts';
import { isObject, type JsonObject } from '../../wire/request-guards.ts';
import { jsonLine, type LineProblem } from './json-line.ts';

/** A request out of a line of a batch file. @internal */
export interface RequestLine {
  readonly customId: string;
  readonly endpoint: Endpoint;
  /** JSON text, as it stands in the line. */
  readonly body: string;
  readonly model: string | undefined;
}

/** Endpoints that may be asked in bulk, by the address in the line. */
const ENDPOINT_BY_URL: ReadonlyMap<string, Endpoint> = new Map(
  (['chat', 'responses', 'embeddings', 'messages'] as const).map((endpoint) => [
    ENDPOINTS[endpoint].clientPath,
    endpoint,
  ]),
);

/**
 * Reads a line of OpenAI's batch files, `{custom_id, method, url, body}`, or a request of Anthropic's batches, `{custom_id, params}`.
 * @param model - for a request that names none.
 * @internal
 */
export function requestLine(text: string, model: string | undefined): RequestLine | LineProblem {
  const line = jsonLine(text);
  if ('problem' in line) return line;
  const { value } = line;
  if (!isObject(value)) return { problem: 'is not a JSON object' };
  const { custom_id: customId } = value;
  if (customId === undefined) return { problem: 'has no custom_id' };
  if (typeof customId !== 'string' || customId === '') return { problem: 'custom_id is not a text' };
  const where = addressOf(value);
  if ('problem' in where) return { ...where, customId };
  const scan = scanJson(text, NO_REQUEST_LIMITS);
  if (scan.kind === 'fault') return { problem: `${scan.reason} at ${scan.path}`, customId };
  const range = scan.members.get(where.member);
  const request = value[where.member];
  if (range === undefined || !isObject(request)) return { problem: `has no ${where.member}`, customId };
  if (request['stream'] === true) return { problem: '`stream` is true: nobody waits for a stream here', customId };
  const body = text.slice(range.valueStart, range.valueEnd);
  const own = request['model'];
  if (own === undefined && model !== undefined) {
    return { customId, endpoint: where.endpoint, body: withModel(body, request, model), model };
  }
  return { customId, endpoint: where.endpoint, body, model: typeof own === 'string' ? own : undefined };
}

function addressOf(line: JsonObject): { readonly endpoint: Endpoint; readonly member: string } | LineProblem {
  const { method, url } = line;
  if (line['params'] !== undefined && url === undefined) return { endpoint: 'messages', member: 'params' };
  if (method !== undefined && method !== 'POST') return { problem: 'method is not POST' };
  if (url === undefined) return { problem: 'has no url' };
  const endpoint = typeof url === 'string' ? ENDPOINT_BY_URL.get(url) : undefined;
  if (endpoint === undefined) return { problem: `url is not one of ${[...ENDPOINT_BY_URL.keys()].join(', ')}` };
  return { endpoint, member: 'body' };
}
