import { createHash } from 'node:crypto';
import { FarthingError, isFarthingError } from '../../core/errors.ts';
import type { Protocol } from '../../core/model/protocol.ts';
import type { BatchItem, BatchPrompt, BatchRequest } from './batch-item.ts';

/** What holds for prompts that do not say otherwise. @internal */
export interface PromptSettings {
  readonly model: string | undefined;
  readonly system: string | undefined;
  readonly maxOutputTokens: number;
  readonly temperature: number | undefined;
  readonly protocolOf: (model: string) => Protocol;
}

/** An item that can be asked. @internal */
export interface PreparedItem {
  readonly kind: 'item';
  readonly index: number;
  readonly id: string | undefined;
  readonly endpoint: BatchRequest['endpoint'];
  readonly model: string;
  readonly body: Uint8Array;
  /** Of endpoint and body: four words of a SHA-256. Equal items have equal ones. */
  readonly hash: Uint32Array;
  /** The same as text. */
  readonly hashHex: string;
  /** The item's own limit of one answer, in tokens; undefined: it has none. */
  readonly maxOutputTokens: number | undefined;
  /** Answers asked for at once. */
  readonly samples: number;
}

/** An item that cannot be asked. @internal */
export interface FaultyItem {
  readonly kind: 'fault';
  readonly index: number;
  readonly id: string | undefined;
  readonly error: FarthingError;
}

type Fields = Readonly<Record<string, unknown>>;

const ENDPOINTS: ReadonlySet<string> = new Set(['chat', 'responses', 'embeddings', 'messages']);
const HASH_BYTES = 16;

/** Items whose hashes a run remembers, some 12 MB for all, and 23 where they are asked by batches; repeats of further ones are asked. Ours: the size that a run is built for. @internal */
export const REMEMBERED_ITEMS = 1_000_000;

const encoder = new TextEncoder();

/** Makes a request of an item, or says why none can be made of it. Never throws. @internal */
export function preparedItem(item: BatchItem, index: number, settings: PromptSettings): PreparedItem | FaultyItem {
  const id = idOf(item);
  try {
    const request = isRequest(item) ? requestOf(item, settings) : promptRequest(item, settings);
    const body = encoder.encode(request.text);
    const digest = createHash('sha256').update(request.endpoint).update('\n').update(body).digest();
    const kept = digest.subarray(0, HASH_BYTES);
    return {
      kind: 'item',
      index,
      id,
      endpoint: request.endpoint,
      model: request.model,
      body,
      hash: wordsOf(kept),
      hashHex: kept.toString('hex'),
      maxOutputTokens: request.maxOutputTokens,
      samples: request.samples,
    };
  } catch (error) {
    return { kind: 'fault', index, id, error: isFarthingError(error) ? error : unreadable(error) };
  }
}

/** What is no JSON (a circle, a BigInt) or no item at all. Without the words of the system, which may quote it. */
function unreadable(cause: unknown): FarthingError {
  return new FarthingError('invalid-request', 'no request can be made of the item', { cause });
}

/**
 * Adds a model to a body in front of all else, and leaves the rest of its text as it is: parsed and written again, large numbers would be others.
 * @param fields - of the body, which names no model.
 * @internal
 */
export function withModel(text: string, fields: Fields, model: string): string {
  const isEmpty = Object.keys(fields).length === 0;
  return text.replace('{', () => `{"model":${JSON.stringify(model)}${isEmpty ? '' : ','}`);
}

/** Hashes that a journal has as text. @internal */
export function hashWords(hashHex: string): Uint32Array {
  return wordsOf(Buffer.from(hashHex, 'hex'));
}

function wordsOf(bytes: Buffer): Uint32Array {
  return Uint32Array.of(bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt32LE(12));
}

interface AskedRequest extends Pick<PreparedItem, 'endpoint' | 'model' | 'maxOutputTokens' | 'samples'> {
  readonly text: string;
}

function isRequest(item: BatchItem): item is BatchRequest {
  return typeof item === 'object' && item !== null && 'endpoint' in item;
}

function idOf(item: BatchItem): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  return isRequest(item) ? item.customId : item.id;
}

function promptRequest(item: string | BatchPrompt, settings: PromptSettings): AskedRequest {
  const own: BatchPrompt = typeof item === 'string' ? { prompt: item } : item;
  if (typeof own !== 'object' || own === null || typeof own.prompt !== 'string')
    throw wrong('an item without a prompt');
  const model = own.model ?? settings.model;
  if (model !== undefined && typeof model !== 'string') throw wrong('a model that is no text', 'model');
  if (model === undefined) throw wrong('an item without a model, in a run without one', 'model');
  const maxOutputTokens = own.maxOutputTokens ?? settings.maxOutputTokens;
  const system = own.system ?? settings.system;
  const temperature = own.temperature ?? settings.temperature;
  const user = { role: 'user', content: own.prompt };
  const sampling = temperature === undefined ? {} : { temperature };
  const isMessages = settings.protocolOf(model) === 'anthropic';
  const first = system === undefined || isMessages ? [] : [{ role: 'system', content: system }];
  const body = isMessages
    ? { model, max_tokens: maxOutputTokens, ...(system === undefined ? {} : { system }), messages: [user], ...sampling }
    : { model, max_completion_tokens: maxOutputTokens, messages: [...first, user], ...sampling };
  const endpoint = isMessages ? 'messages' : 'chat';
  return { endpoint, model, text: JSON.stringify(body), maxOutputTokens, samples: 1 };
}

function requestOf({ endpoint, body: given }: BatchRequest, settings: PromptSettings): AskedRequest {
  if (!ENDPOINTS.has(endpoint)) throw wrong(`no endpoint that items can be asked at: ${endpoint}`, 'endpoint');
  const fields = typeof given === 'string' ? parsed(given) : given;
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw wrong('the body is no JSON object');
  if (fields['stream'] === true) throw wrong('an item of a run cannot be streamed', 'stream');
  const model = fields['model'] ?? settings.model;
  if (typeof model !== 'string' || model === '')
    throw wrong('a request without a model, in a run without one', 'model');
  return {
    endpoint,
    model,
    text: typeof given === 'string' ? textOf(given, fields, model) : bodyText(fields, model),
    maxOutputTokens: outputLimit(fields),
    samples: countOf(fields['n']) ?? 1,
  };
}

/** A text is sent as it is. */
function textOf(given: string, fields: Fields, model: string): string {
  if (!Object.hasOwn(fields, 'model')) return withModel(given, fields, model);
  return fields['model'] === null ? bodyText(fields, model) : given;
}

/** A model that is there without a value is none. */
function bodyText(fields: Fields, model: string): string {
  return JSON.stringify({ model, ...fields, ...((fields['model'] ?? null) === null && { model }) });
}

function parsed(text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    // Without the cause: V8 quotes the text in its message.
    throw wrong('the body is not JSON');
  }
}

function outputLimit(fields: Fields): number | undefined {
  return (
    countOf(fields['max_completion_tokens']) ?? countOf(fields['max_output_tokens']) ?? countOf(fields['max_tokens'])
  );
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function wrong(message: string, param?: string): FarthingError {
  return new FarthingError('invalid-request', message, param === undefined ? {} : { param });
}
