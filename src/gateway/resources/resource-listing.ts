import { FarthingError } from '../../core/errors.ts';
import type { ResourceClaim, ResourceKind } from '../../core/model/resource.ts';
import { derivedIds } from '../../wire/made-ids.ts';
import { objectOf } from '../../wire/reply-fields.ts';
import { isListed, listBody, type ListPage, listPage } from '../../wire/resource-list.ts';
import { isOwnBatchId } from '../../wire/batch/client-batch-ids.ts';
import { readReply } from './passed-reply.ts';
import { askBeside, type ResourceExchange } from './resource-exchange.ts';

type Thing = Readonly<Record<string, unknown>>;

/** Requests to the provider at a time for one list. */
const CONCURRENCY = 8;

/** How often a page is filled up where the provider has dropped things, or a filter leaves them out. */
const MAX_ROUNDS = 10;

/**
 * The body of a list: the project's ids from the registry, each asked of the provider. What the provider has no more is left out.
 * @throws FarthingError `invalid-request`, `not-found` for a cursor of another project, `provider-failed`.
 * @internal
 */
export async function resourceListing(
  exchange: ResourceExchange,
  kind: ResourceKind,
  query: URLSearchParams,
): Promise<string> {
  const { protocol, name } = exchange.provider;
  const page = listPage(protocol, query);
  const { cursor } = page;
  if (cursor !== undefined) await exchange.owners.demand([cursor], exchange.project, name);
  const { things, hasMore } = await filledPage(exchange, kind, page);
  return listBody(protocol, cursor?.side === 'before' ? things.toReversed() : things, hasMore);
}

interface FilledPage {
  readonly things: readonly Thing[];
  readonly hasMore: boolean;
}

async function filledPage(exchange: ResourceExchange, kind: ResourceKind, page: ListPage): Promise<FilledPage> {
  const { limit, cursor } = page;
  // What lies before an id is found by walking the other way.
  const order = cursor?.side === 'before' ? otherOrder(page.order) : page.order;
  const wanted = { project: exchange.project, kind, provider: exchange.provider.name, order, limit: limit + 1 };
  const things: Thing[] = [];
  let after = cursor?.id;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- a round begins where the last one ended
    const claims = await exchange.owners.list({ ...wanted, ...(after === undefined ? {} : { after }) });
    // oxlint-disable-next-line no-await-in-loop
    const found = await thingsOf(exchange, claims.slice(0, limit), page);
    things.push(...found);
    if (things.length > limit) return { things: things.slice(0, limit), hasMore: true };
    if (claims.length <= limit) return { things, hasMore: false };
    if (things.length === limit) return { things, hasMore: true };
    after = claims[limit - 1]?.id;
  }
  // A page without things has no last id to go on from.
  return { things, hasMore: things.length > 0 };
}

function otherOrder(order: ListPage['order']): ListPage['order'] {
  return order === 'newest' ? 'oldest' : 'newest';
}

async function thingsOf(
  exchange: ResourceExchange,
  claims: readonly ResourceClaim[],
  page: ListPage,
): Promise<readonly Thing[]> {
  const found: (Thing | undefined)[] = Array.from({ length: claims.length });
  const left = claims.entries();
  const worker = async (): Promise<void> => {
    for (const [index, claim] of left) {
      found[index] = await thingOf(exchange, claim, page.rest); // oxlint-disable-line no-await-in-loop -- one at a time a worker
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return found.filter((thing) => thing !== undefined).filter((thing) => isListed(thing, page));
}

/** Undefined for what the provider has no more. */
async function thingOf(
  exchange: ResourceExchange,
  { kind, id, provider }: ResourceClaim,
  rest: URLSearchParams,
): Promise<Thing | undefined> {
  if (isOwnBatchId(id)) return exchange.batches?.thing(exchange, kind, id);
  const query = rest.size === 0 ? '' : `?${rest.toString()}`;
  const reply = await askBeside(exchange, `/v1/${kind}/${encodeURIComponent(id)}${query}`);
  const body = await readReply(reply);
  if (reply.status === 404) return undefined;
  const thing = reply.status >= 200 && reply.status < 300 ? thingIn(body) : undefined;
  if (thing === undefined) {
    const retryable = reply.status === 429 || reply.status >= 500;
    throw new FarthingError('provider-failed', `the provider answered ${reply.status} for one of the list`, {
      retryable,
    });
  }
  await exchange.owners.claim(derivedIds(kind, thing), exchange.project, provider);
  return thing;
}

function thingIn(body: Buffer): Thing | undefined {
  try {
    return objectOf(JSON.parse(body.toString()));
  } catch {
    return undefined;
  }
}
