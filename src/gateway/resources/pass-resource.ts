import type { IncomingMessage } from 'node:http';
import { FarthingError } from '../../core/errors.ts';
import type { ResourceKind } from '../../core/model/resource.ts';
import { derivedIds, hasDerivedIds, type MadeId } from '../../wire/made-ids.ts';
import { objectOf } from '../../wire/reply-fields.ts';
import { addressIds, isMaking, type PathMeaning, pathMeaning } from '../../wire/resource-path.ts';
import { isOwnBatchId } from '../../wire/batch/client-batch-ids.ts';
import { pathOf, queryOf } from '../spoken-protocol.ts';
import { demandBatchFile } from './batch-file.ts';
import { isJsonReply, readReply, relayReply, sendReply } from './passed-reply.ts';
import { passedBody } from './resource-body.ts';
import type { ResourceExchange } from './resource-exchange.ts';
import { resourceListing } from './resource-listing.ts';

type Thing = Readonly<Record<string, unknown>>;

/**
 * Passes a request on for the project that makes it: ids that it names must be the project's, what it makes becomes the project's before the client
 * learns of it, and lists come from the registry. Returns the status that the client got.
 * @throws FarthingError `not-found` for ids of others, and what reading and sending throw.
 * @internal
 */
export async function passResource(exchange: ResourceExchange): Promise<number> {
  const { owners, project, provider, request, response } = exchange;
  const { url = '', method = 'GET' } = request;
  const path = pathOf(url);
  const query = new URLSearchParams(queryOf(url));
  const meaning = pathMeaning(path);
  if (meaning.kind === 'unreadable') throw new FarthingError('not-found', 'there is nothing at this address');
  const { body, ids } = await passedBody(request, meaning, exchange.maxBodyBytes);
  await owners.demand([...addressIds(path, query), ...ids], project, provider.name);
  if (meaning.kind === 'collection') {
    if (method === 'GET') return answerList(exchange, await resourceListing(exchange, meaning.of, query));
    if (method !== 'POST') throw new FarthingError('invalid-request', `${path} takes GET and POST`, { status: 405 });
    const status = await batchOf(exchange, meaning.of, body);
    if (status !== undefined) return status;
    if (meaning.of === 'batches') await demandBatchFile(exchange, ids);
  }
  if (meaning.kind === 'resource' && isOwnBatchId(meaning.id) && exchange.batches !== undefined) {
    return exchange.batches.answer(exchange, meaning);
  }
  if (meaning.kind === 'resource' && meaning.of === 'files' && method === 'DELETE') {
    await exchange.batches?.mustBeBooked(exchange, meaning.id);
  }
  const isRead = readsReply(meaning, method);
  // A reply that is to be read must not come compressed.
  const headers = isRead ? { ...request.headers, 'accept-encoding': undefined } : request.headers;
  const reply = await exchange.passThrough.send(provider, { url, method, headers, body, signal: exchange.signal });
  const isWell = reply.status >= 200 && reply.status < 300;
  if (isRead && isWell && isJsonReply(reply)) {
    const read = await readReply(reply);
    await registerReply(exchange, meaning, thingIn(read));
    exchange.onReply();
    sendReply(reply, read, response);
    return reply.status;
  }
  if (isRead && isWell) await registerReply(exchange, meaning, {});
  exchange.onReply();
  await relayReply(reply, response);
  return reply.status;
}

/** Makes a batch where that can be metered, and gives the status that the client got. @throws FarthingError where it cannot, and the operator passes nothing unmetered on */
async function batchOf(
  exchange: ResourceExchange,
  of: ResourceKind,
  body: IncomingMessage | Uint8Array | undefined,
): Promise<number | undefined> {
  const { batches, mayPassUnmetered } = exchange;
  if (of !== 'batches' && of !== 'messages/batches') return undefined;
  const status = body instanceof Uint8Array ? await batches?.create(exchange, of, body) : undefined;
  if (status !== undefined || mayPassUnmetered) return status;
  throw new FarthingError('invalid-request', 'batches of this endpoint cannot be metered', { param: 'endpoint' });
}

/** Whether a reply may say that something was made or deleted. */
function readsReply(meaning: PathMeaning, method: string): boolean {
  if (method === 'POST' && isMaking(meaning)) return true;
  if (meaning.kind !== 'resource' || meaning.rest.length > 1) return false;
  return method === 'DELETE' || (hasDerivedIds(meaning.of) && meaning.rest[0] !== 'input_items');
}

async function registerReply(exchange: ResourceExchange, meaning: PathMeaning, thing: Thing): Promise<void> {
  if (meaning.kind !== 'collection' && meaning.kind !== 'resource') return;
  const { owners, project, provider, request } = exchange;
  if (request.method === 'DELETE') {
    const isDeleted = meaning.kind === 'resource' && meaning.rest.length === 0 && thing['deleted'] !== false;
    if (isDeleted) await owners.forget(provider.name, meaning.id);
    return;
  }
  const id = request.method === 'POST' && isMaking(meaning) ? thing['id'] : undefined;
  const made: readonly MadeId[] = typeof id === 'string' ? [{ id, kind: meaning.of }] : [];
  await owners.claim([...made, ...derivedIds(meaning.of, thing)], project, provider.name);
}

function thingIn(read: Buffer): Thing {
  try {
    return objectOf(JSON.parse(read.toString())) ?? {};
  } catch {
    return {}; // the client gets it as it is
  }
}

function answerList({ response, onReply }: ResourceExchange, body: string): number {
  onReply();
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  sendReply({ status: 200, headers }, Buffer.from(body), response);
  return 200;
}
