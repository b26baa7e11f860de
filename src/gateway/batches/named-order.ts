import { createHash } from 'node:crypto';
import { FarthingError } from '../../core/errors.ts';
import type { ResourceKind } from '../../core/model/resource.ts';
import type { BatchBook } from '../../ports/job-store.ts';
import type { BatchOfClient } from '../../wire/batch/client-batch-object.ts';
import type { ResourceExchange } from '../resources/resource-exchange.ts';

/** By what a client calls a request, so that a repeat of it does nothing twice (draft-ietf-httpapi-idempotency-key-header). */
const HEADER = 'idempotency-key';

/** Longest name, in characters. Ours: what others take (docs.stripe.com/api/idempotent_requests). */
const MAX_LENGTH = 255;

/** Tries under one name that made nothing. Ours: whoever fails that often fails at the next one, too. */
const MAX_TRIES = 32;

/** Digits of a batch's id. */
const ID_DIGITS = 16;

/** A client's order of a batch that has a name. @internal */
export interface NamedOrder {
  readonly project: string;
  /** The ids that its batch may have: after each try that made nothing, the next. By them it is found again, by any process. */
  readonly batchIds: readonly string[];
  /** Tells it from another order under the same name. */
  readonly orderHash: string;
}

/** Where a batch is kept that its client has named. @internal */
export interface OrderPlace {
  readonly batchId: string;
  readonly orderHash: string;
}

/** What there is under the name of an order. @internal */
export type NamedBatch =
  | { readonly kind: 'free'; readonly place: OrderPlace }
  | { readonly kind: 'made'; readonly batch: BatchOfClient };

/** Reads the name of an order; undefined: it has none. @throws FarthingError `invalid-request` @internal */
export function namedOrder(
  { project, provider, headers }: Pick<ResourceExchange, 'project' | 'provider' | 'headers'>,
  kind: ResourceKind,
  body: Uint8Array,
): NamedOrder | undefined {
  const name = headers[HEADER];
  if (name === undefined) return undefined;
  if (name === '' || name.length > MAX_LENGTH) {
    throw new FarthingError('invalid-request', `${HEADER} must have 1 to ${MAX_LENGTH} characters`, { param: HEADER });
  }
  const idOf = (tries: number): string =>
    `fb_${sha256(JSON.stringify([project, provider.name, kind, name, tries])).slice(0, ID_DIGITS)}`;
  const batchIds = Array.from({ length: MAX_TRIES }, (_, tries) => idOf(tries));
  return { project, batchIds, orderHash: sha256(body) };
}

/**
 * The batch that an order has made before, or where it may be made.
 * @throws FarthingError `invalid-request` with status 422 for a name of another order, 409 while it is being made, or when it failed too often
 * @internal
 */
export async function namedBatch(
  jobs: Pick<BatchBook, 'batches'>,
  { project, batchIds, orderHash }: NamedOrder,
): Promise<NamedBatch> {
  const taken = await jobs.batches({ batchIds });
  for (const batch of taken) {
    const { client } = batch;
    if (client?.project !== project || isVoid({ ...batch, client })) continue;
    if (client.orderHash !== orderHash) throw refusal(422, 'is that of another request', false);
    if (isBeingMade(batch)) throw beingMade();
    return { kind: 'made', batch: { ...batch, client } };
  }
  const ids = new Set(taken.map(({ batchId }) => batchId));
  const batchId = batchIds.find((id) => !ids.has(id));
  if (batchId === undefined) throw refusal(409, `has failed ${MAX_TRIES} times: use another one`, false);
  return { kind: 'free', place: { batchId, orderHash } };
}

/** Somebody else is at it, and will be done or dead within a minute. @internal */
export function beingMade(): FarthingError {
  return refusal(409, 'is that of a request that is under way', true);
}

/** Whether nothing came of it: it was refused or let go, so that a repeat is a first try. */
function isVoid({ stage, requests, client }: BatchOfClient): boolean {
  return stage === 'abandoned' && (requests > 0 || client.cachedRows === 0);
}

/** Who makes a batch leaves it due at its first moment until it is made, or nobody knows whether it was; workers look at it later. */
function isBeingMade({
  stage,
  nextAtMs,
  formedAtMs,
}: Pick<BatchOfClient, 'stage' | 'nextAtMs' | 'formedAtMs'>): boolean {
  return (stage === 'formed' || stage === 'submitting') && nextAtMs === formedAtMs;
}

function refusal(status: number, what: string, retryable: boolean): FarthingError {
  return new FarthingError('invalid-request', `${HEADER} ${what}`, { status, param: HEADER, retryable });
}

function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}
