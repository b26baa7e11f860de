import { FarthingError } from '../core/errors.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { DEFAULT_MAX_DEPTH } from './json-limits.ts';
import { isObject, type JsonObject } from './request-guards.ts';

/** An id that a request names, and where. @internal */
export interface NamedId {
  readonly id: string;
  /** The place as an error names it: `input[2].content[0].file_id`. */
  readonly param: string;
}

/**
 * The rule, in three parts. Texts are never searched: what counts is the member that an id stands under.
 *
 * 1. Under these names every string, or every string of a list, is the id of something that the provider keeps. Sources: openai 7.57 and
 *    @anthropic-ai/sdk 1.12, request types.
 */
const ID_FIELDS: ReadonlySet<string> = new Set([
  'file_id',
  'file_ids',
  'input_file_id',
  'output_file_id',
  'error_file_id',
  'training_file',
  'validation_file',
  'result_files',
  'previous_response_id',
  'comparison_response_id',
  'response_id',
  'conversation',
  'conversation_id',
  'container',
  'container_id',
  'vector_store_id',
  'vector_store_ids',
  'batch_id',
  'upload_id',
  'eval_id',
  'assistant_id',
  'thread_id',
  'environment_id',
  'memory_store_id',
  'vault_ids',
  'user_profile_id',
]);

/** 2. These names are used for other things, too: here a string counts when it begins as an id does ({@link hasIdPrefix}). */
const SHARED_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'ids',
  'file',
  'files',
  'image',
  'images',
  'mask',
  'video',
  'voice',
  'skill_id',
  'agent',
  'input_reference',
]);

const ID_PREFIX =
  /^(?:file[-_]|assistant-|batch_|msgbatch_|resp_|conv_|vs_|cntr_|container_|ftjob-|upload_|eval_|asst_|thread_|video_|voice_|cons_|skill_|agent_|env_)/;

/**
 * 3. The `id` of an item of a Responses input counts where the provider may look the item up: by its type, unless the item holds all of its
 *    matter in the member named here. Other items (messages, calls of the client's functions) are whole as they stand.
 */
const LOOKED_UP_ITEMS: ReadonlyMap<unknown, string | undefined> = new Map<unknown, string | undefined>([
  ['item_reference', undefined],
  ['reasoning', 'encrypted_content'],
  ['compaction', 'encrypted_content'],
  ['image_generation_call', 'result'],
  ['file_search_call', 'results'],
  ['web_search_call', undefined],
  ['code_interpreter_call', undefined],
]);

/** Members whose content is the caller's own: schemas, labels, arguments of calls. A provider never reads an id there. */
const OPAQUE_FIELDS: ReadonlySet<string> = new Set([
  'metadata',
  'parameters',
  'input_schema',
  'item_schema',
  'json_schema',
  'schema',
  'attributes',
  'arguments',
  'headers',
]);

/** Blocks of Anthropic's messages whose `input` is what the model wrote for a tool. */
const TOOL_USES: ReadonlySet<unknown> = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use']);

/** Lists of items; in them an item without a type is a reference. */
const ITEM_LISTS: ReadonlySet<unknown> = new Set(['input', 'items']);

/** What a body must contain, as bytes, before it can name an id. A member's name may be written with escapes: then it is read in any case. */
const TRACES: Readonly<Record<Endpoint, readonly string[]>> = {
  chat: ['file_id', 'vector_store_id'],
  responses: [
    'file_id',
    'vector_store_id',
    'container_id',
    '"previous_response_id"',
    '"conversation"',
    '"container"',
    '"id"',
  ],
  messages: ['file_id', '"container"', '"user_profile_id"'],
  'count-tokens': ['file_id', '"container"', '"user_profile_id"'],
  embeddings: [],
};

/** Letters and the underscore as escapes. */
const ESCAPES = [String.raw`\u004`, String.raw`\u005`, String.raw`\u006`, String.raw`\u007`];

/** Bytes as Node has them: searched by native code. @internal */
export interface SearchableBytes {
  includes(text: string): boolean;
}

/** Whether it is worth reading a metered call's body for ids. False only where it names none. @internal */
export function mayNameIds(endpoint: Endpoint, body: SearchableBytes): boolean {
  const traces = TRACES[endpoint];
  if (traces.length === 0) return false;
  if (traces.some((trace) => body.includes(trace))) return true;
  return body.includes(String.raw`\u00`) && ESCAPES.some((escape) => body.includes(escape));
}

/** Whether a text begins as ids of providers do. @internal */
export function hasIdPrefix(text: string): boolean {
  return ID_PREFIX.test(text);
}

/** Most ids that a body may name. Each is looked up before anything is sent. */
const MAX_NAMED_IDS = 5000;

/** An object or array on the way, with the name that it has in what is around it. */
interface Place {
  readonly value: object;
  readonly name: string | number;
  readonly around: Place | undefined;
  /** The outermost one is level 1. */
  readonly depth: number;
}

/**
 * The ids that a parsed body names. Nothing is looked for below {@link DEFAULT_MAX_DEPTH} levels: a body that nests deeper is refused by whoever
 * reads it, before anything is sent.
 * @throws FarthingError `invalid-request` for a body that names more than 5,000 ids.
 * @internal
 */
export function namedIds(body: unknown): readonly NamedId[] {
  const found: NamedId[] = [];
  const places: Place[] = isContainer(body) ? [{ value: body, name: '', around: undefined, depth: 1 }] : [];
  for (const place of places) {
    const { value, depth } = place;
    const members: Iterable<readonly [string | number, unknown]> = Array.isArray(value)
      ? value.entries()
      : Object.entries(value);
    for (const [name, part] of members) {
      if (typeof name === 'string' && isOpaque(name, place)) continue;
      if (typeof name === 'string') takeIds(name, part, place, found);
      if (isContainer(part) && depth < DEFAULT_MAX_DEPTH) {
        places.push({ value: part, name, around: place, depth: depth + 1 });
      }
    }
  }
  return found;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isOpaque(name: string, { value, around }: Place): boolean {
  if (OPAQUE_FIELDS.has(name)) return true;
  return name === 'input' && around !== undefined && isObject(value) && TOOL_USES.has(value['type']);
}

function takeIds(name: string, part: unknown, place: Place, found: NamedId[]): void {
  // The names of a prompt's variables are the caller's own, and their strings are text.
  const isSure = ID_FIELDS.has(name) && place.name !== 'variables';
  if (!isSure && !SHARED_FIELDS.has(name)) return;
  const texts: readonly unknown[] = Array.isArray(part) ? part : [part];
  const isAny = isSure || (name === 'id' && isLookedUp(place));
  const ids = texts
    .filter((text) => typeof text === 'string')
    .filter((text) => text !== '' && (isAny || hasIdPrefix(text)));
  if (ids.length === 0) return;
  if (found.length + ids.length > MAX_NAMED_IDS) {
    throw new FarthingError('invalid-request', `the body names more than ${MAX_NAMED_IDS} ids`);
  }
  const param = pathOf(place, name);
  for (const id of ids) found.push({ id, param });
}

function isLookedUp(place: Place): boolean {
  const { value } = place;
  if (!isObject(value)) return false;
  const type = value['type'] ?? undefined;
  if (type === undefined) return ITEM_LISTS.has(place.around?.name) && value['role'] === undefined;
  return LOOKED_UP_ITEMS.has(type) && !hasMatter(value);
}

/** Whether an item that a provider may look up holds all of its matter itself. @internal */
export function hasMatter(item: JsonObject): boolean {
  const member = LOOKED_UP_ITEMS.get(item['type']);
  const matter = member === undefined ? undefined : item[member];
  return Array.isArray(matter) ? matter.length > 0 : matter !== undefined && matter !== null && matter !== '';
}

/** Whether a provider may look an item up by its id. @internal */
export function isLookedUpType(type: unknown): boolean {
  return LOOKED_UP_ITEMS.has(type);
}

function pathOf(place: Place, name: string): string {
  let path = name;
  for (let at: Place | undefined = place; at?.around !== undefined; at = at.around) {
    path = typeof at.name === 'number' ? `[${at.name}]${separated(path)}` : `${at.name}${separated(path)}`;
  }
  return path;
}

function separated(path: string): string {
  return path.startsWith('[') ? path : `.${path}`;
}
