import type { Protocol } from '../../core/model/protocol.ts';
import type { JsonObject } from '../json-value.ts';
import { badRequest, ProviderRefusal } from '../simulated-reply.ts';
import type { BatchOperation } from './batch-options.ts';

/** A request to the batch endpoints. @internal */
export interface BatchRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Without its question mark. */
  readonly query: string;
  readonly protocol: Protocol;
  readonly contentType: string;
  /** Who pays, and sees what it made. */
  readonly account: string;
  /** Where the provider is, for addresses in replies. */
  readonly origin: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A successful reply to it. @internal */
export interface BatchReply {
  readonly contentType: string;
  /** Made while it is sent. */
  readonly chunks: Iterable<string | Uint8Array>;
}

/** What a request asks for: `of` is `files` or `batches`. @internal */
export interface BatchAddressee {
  readonly of: 'files' | 'batches';
  readonly operation: BatchOperation;
  /** Empty for a collection. */
  readonly id: string;
}

const PATH = /^\/v1\/(files|batches|messages\/batches)(?:\/([\w.-]+))?(?:\/(content|results|cancel))?$/;
const OPERATIONS: Readonly<Record<string, BatchOperation>> = {
  'files POST': 'upload',
  'files GET': 'list',
  'files/id GET': 'read',
  'files/id DELETE': 'delete',
  'files/id/content GET': 'download',
  'batches POST': 'submit',
  'batches GET': 'list',
  'batches/id GET': 'read',
  'batches/id/cancel POST': 'cancel',
  'messages/batches POST': 'submit',
  'messages/batches GET': 'list',
  'messages/batches/id GET': 'read',
  'messages/batches/id DELETE': 'delete',
  'messages/batches/id/cancel POST': 'cancel',
  'messages/batches/id/results GET': 'download',
};

/** Whether a path is one of the batch endpoints. @internal */
export function isBatchPath(path: string): boolean {
  return PATH.test(path);
}

/** Reads method and path. @throws ProviderRefusal with 405 where a path has no such method @internal */
export function addresseeOf(method: string, path: string): BatchAddressee {
  const [, kind = '', id = '', rest] = PATH.exec(path) ?? [];
  const shape = `${kind}${id === '' ? '' : '/id'}${rest === undefined ? '' : `/${rest}`}`;
  const operation = OPERATIONS[`${shape} ${method}`];
  if (operation === undefined) throw new ProviderRefusal(405, 'invalid_request_error', `Not allowed: ${method}.`);
  return { of: kind === 'files' ? 'files' : 'batches', operation, id };
}

/** A reply of one JSON value. @internal */
export function jsonReply(value: unknown): BatchReply {
  return { contentType: 'application/json', chunks: [JSON.stringify(value)] };
}

/** A whole body as a JSON object. @throws ProviderRefusal with 400 when it is none @internal */
export async function jsonBodyOf({ body }: BatchRequest): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Refused below, like a body that is no object.
  }
  throw badRequest('We could not parse the JSON body of your request.');
}

/** The chunks of a reply up to the middle of the last one. @internal */
export function* cutChunks(chunks: Iterable<string | Uint8Array>): Iterable<string | Uint8Array> {
  let last: string | Uint8Array | undefined;
  for (const chunk of chunks) {
    if (last !== undefined) yield last;
    last = chunk;
  }
  if (last !== undefined) yield last.slice(0, Math.floor(last.length / 2));
}

/** The page of a list that a query asks for. @internal */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/**
 * Takes a page out of a list in the order in which it is shown.
 * @throws ProviderRefusal with 400 for a limit out of range or an id that is not in the list.
 * @internal
 */
export function pageOf<Item extends { readonly id: string }>(
  items: readonly Item[],
  cursor: { readonly after: string | null; readonly before: string | null; readonly limit: string | null },
  defaults: { readonly limit: number; readonly maxLimit: number },
): ListPage<Item> {
  const limit = cursor.limit === null ? defaults.limit : Number(cursor.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > defaults.maxLimit) {
    throw badRequest(`Invalid 'limit': expected 1 to ${defaults.maxLimit}.`, 'limit');
  }
  if (cursor.before !== null) {
    const end = placeOf(items, cursor.before);
    return { items: items.slice(Math.max(0, end - limit), end), hasMore: end > limit };
  }
  const start = cursor.after === null ? 0 : placeOf(items, cursor.after) + 1;
  return { items: items.slice(start, start + limit), hasMore: items.length > start + limit };
}

function placeOf(items: readonly { readonly id: string }[], id: string): number {
  const place = items.findIndex((item) => item.id === id);
  if (place === -1) throw badRequest(`No such object: '${id}'.`, 'after');
  return place;
}
