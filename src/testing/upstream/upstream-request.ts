import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import { asObject, asText, type JsonObject, objectsOf } from '../../simulator/json-value.ts';
import { type AnswerShape, expectedAnswer } from './expected-answer.ts';

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
export function upstreamRequest(path: string, bodyText: string, answer?: AnswerShape): UpstreamRequest | undefined {
  const endpoint = (Object.keys(ENDPOINTS) as Endpoint[]).find((name) => ENDPOINTS[name].clientPath === path);
  const body = parsed(bodyText);
  if (endpoint === undefined || body === undefined) return undefined;
  const inputs = endpoint === 'embeddings' ? inputsOf(body['input']) : [];
  const items = objectsOf(endpoint === 'responses' ? body['input'] : body['messages']);
  const asked = inputs[0] ?? asText(body['input']);
  return {
    endpoint,
    model: asText(body['model']) ?? '',
    isStream: body['stream'] === true && ENDPOINTS[endpoint].streams,
    wantsUsage: asObject(body['stream_options'])?.['include_usage'] === true,
    wantsBase64: body['encoding_format'] === 'base64',
    inputs,
    ...(asked === undefined ? questionOf(items, answer) : { prompt: asked, begun: '' }),
  };
}

type Question = Pick<UpstreamRequest, 'prompt' | 'begun'>;

/** What is asked: to answer the last text of the user, to go on behind a text of the assistant, or (in words of the user) to do so. */
function questionOf(items: readonly JsonObject[], answer: AnswerShape | undefined): Question {
  const lastUser = items.findLastIndex((item) => item['role'] === 'user');
  const prompt = textOf(items[lastUser]?.['content']);
  const last = items.at(-1);
  if (last?.['role'] === 'assistant') return { prompt, begun: textOf(last['content']) };
  const before = items[lastUser - 1];
  if (before?.['role'] !== 'assistant') return { prompt, begun: '' };
  const earlier = questionOf(items.slice(0, lastUser), answer);
  const isBegun = earlier.begun !== '' && expectedAnswer(earlier.prompt, answer).startsWith(earlier.begun);
  return isBegun ? earlier : { prompt, begun: '' };
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
