import type { ResourceKind } from '../core/model/resource.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { hasMatter, isLookedUpType, type SearchableBytes } from './named-ids.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import type { SseFrame } from './sse-framer.ts';
import { type Fields, listOf, wordOf } from './usage-count.ts';

/** An id of something that a reply says was made. @internal */
export interface MadeId {
  readonly id: string;
  readonly kind: ResourceKind;
}

/** Events that only carry text: the bulk of a stream, never parsed here. */
const TEXT_EVENT = /^\s*\{\s*"type"\s*:\s*"(?:response\.[a-z_.]{1,60}\.delta|content_block_delta)"/;

/** What an event must contain, as bytes, to name an id that was made. In a text that a model wrote the quotes would be escaped. */
const TRACES: Readonly<Partial<Record<Endpoint, readonly string[]>>> = {
  responses: ['"response"', '"item"'],
  messages: ['"container"', '"file_id"'],
};

/** Results of Anthropic's code execution, the one tool that makes files. */
const CODE_RESULTS: ReadonlySet<unknown> = new Set(['code_execution_tool_result', 'bash_code_execution_tool_result']);

/**
 * Reads the replies of one metered call for ids of what the provider keeps. Only members that the provider itself fills are read: never what a
 * model or a caller wrote.
 * @internal
 */
export class CallMadeIds {
  readonly #endpoint: Endpoint;
  /** What the reply says of `store`: the OpenAI default is true. */
  #isStored = true;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Whether it is worth reading events for ids. False only where they name none. */
  mayBeIn(events: SearchableBytes): boolean {
    return TRACES[this.#endpoint]?.some((trace) => events.includes(trace)) ?? false;
  }

  /** The ids in a whole reply. */
  ofReply(reply: unknown): readonly MadeId[] {
    const fields = objectOf(reply);
    if (fields === undefined) return [];
    return this.#endpoint === 'responses' ? this.#ofResponse(fields) : ofMessage(fields);
  }

  /** The ids in one event of a stream. */
  ofFrame(frame: SseFrame): readonly MadeId[] {
    const { data } = frame;
    if (data === undefined || data === '' || TEXT_EVENT.test(data)) return [];
    const event = parsed(data);
    if (event === undefined) return [];
    return this.#endpoint === 'responses' ? this.#ofResponsesEvent(event) : ofMessagesEvent(event);
  }

  #ofResponsesEvent(event: Fields): readonly MadeId[] {
    const response = objectOf(event['response']);
    if (response !== undefined) return this.#ofResponse(response);
    const item = objectOf(event['item']);
    if (item === undefined) return [];
    const isDone = event['type'] === 'response.output_item.done';
    return itemIds(item, this.#isStored, isDone);
  }

  #ofResponse(response: Fields): readonly MadeId[] {
    if (typeof response['store'] === 'boolean') this.#isStored = response['store'];
    return responseIds(response, this.#isStored);
  }
}

/** What objects name that a provider keeps, by their kind: a batch its output, an upload its file, a response its parts. */
const DERIVED: ReadonlyMap<ResourceKind, (thing: Fields) => readonly MadeId[]> = new Map<
  ResourceKind,
  (thing: Fields) => readonly MadeId[]
>([
  ['batches', (batch) => made('files', batch['output_file_id'], batch['error_file_id'])],
  ['fine_tuning/jobs', (job) => made('files', ...listOf(job['result_files']))],
  ['uploads', (upload) => made('files', objectOf(upload['file'])?.['id'])],
  ['responses', (response) => responseIds(response, response['store'] !== false)],
]);

/** Whether objects of a kind name others, so that replies with one have to be read. @internal */
export function hasDerivedIds(kind: ResourceKind): boolean {
  return DERIVED.has(kind);
}

/** The ids that an object names and that belong to whom it belongs to. @internal */
export function derivedIds(kind: ResourceKind, thing: Fields): readonly MadeId[] {
  return DERIVED.get(kind)?.(thing) ?? [];
}

function responseIds(response: Fields, isStored: boolean): readonly MadeId[] {
  const conversation = made('conversations', objectOf(response['conversation'])?.['id']);
  const items = objectsOf(response['output']).flatMap((item) => itemIds(item, isStored, true));
  return [...(isStored ? made('responses', response['id']) : []), ...conversation, ...items];
}

/** Of a response that is not stored only what the provider may look up has an id that means anything later, once it is whole. */
function itemIds(item: Fields, isStored: boolean, isWhole: boolean): readonly MadeId[] {
  const isKept = isStored || (isWhole && isLookedUpType(item['type']) && !hasMatter(item));
  return [
    ...(isKept ? made('items', item['id']) : []),
    ...made('containers', item['container_id'], objectOf(item['environment'])?.['container_id']),
  ];
}

function ofMessagesEvent(event: Fields): readonly MadeId[] {
  const message = objectOf(event['message']);
  if (message !== undefined) return ofMessage(message);
  const block = objectOf(event['content_block']);
  return [...containerOf(objectOf(event['delta'])), ...(block === undefined ? [] : filesOf(block))];
}

function ofMessage(message: Fields): readonly MadeId[] {
  return [...containerOf(message), ...objectsOf(message['content']).flatMap(filesOf)];
}

function containerOf(fields: Fields | undefined): readonly MadeId[] {
  return made('containers', objectOf(fields?.['container'])?.['id']);
}

function filesOf(block: Fields): readonly MadeId[] {
  if (!CODE_RESULTS.has(block['type'])) return [];
  const outputs = objectsOf(objectOf(block['content'])?.['content']);
  return made('files', ...outputs.map((output) => output['file_id']));
}

function made(kind: ResourceKind, ...ids: readonly unknown[]): readonly MadeId[] {
  return ids.flatMap((value) => {
    const id = wordOf(value);
    return id === undefined ? [] : [{ id, kind }];
  });
}

function parsed(data: string): Fields | undefined {
  try {
    return objectOf(JSON.parse(data));
  } catch {
    return undefined; // `[DONE]`, or what the engine has found to be broken
  }
}
