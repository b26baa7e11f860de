import type { ClientBatch } from '../../core/model/provider-batch.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import type { BatchApi } from '../../ports/batch-api.ts';
import type { ResourceExchange } from '../resources/resource-exchange.ts';
import { ClientBatchDraft, type ClientBatchParts } from './client-batch-draft.ts';
import type { OrderPlace } from './named-order.ts';
import { RowIntake } from './row-intake.ts';
import { apiOf } from './send-client-batch.ts';

/** What the two protocols' batches differ in. @internal */
export interface IntakeTerms {
  readonly client: Pick<ClientBatch, 'protocol' | 'endpoint' | 'inputFileId' | 'metadata'>;
  readonly endpoint: Endpoint;
  /** Of the client's address; each row is asked with it. */
  readonly query: string;
  /** What of the client's request holds the rows. */
  readonly param: string;
  /** Where the batch is kept when its client has named it. */
  readonly place: OrderPlace | undefined;
}

/** A batch that is being taken. @internal */
export interface OpenIntake {
  readonly draft: ClientBatchDraft;
  readonly intake: RowIntake;
  readonly api: BatchApi;
}

/**
 * Begins a client's batch, and what takes its rows.
 * @throws FarthingError `configuration` for a provider without batches, `store-unavailable`, and `invalid-request` for one that is being made under the same name
 * @internal
 */
export async function openIntake(
  { provider, project, caller, headers, signal, owners }: ResourceExchange,
  parts: ClientBatchParts,
  { client, endpoint, query, param, place }: IntakeTerms,
): Promise<OpenIntake> {
  const { name } = provider;
  const api = apiOf(parts, name);
  const { keyWeights = [] } = parts.providerOf(name) ?? {};
  const kept: ClientBatch = { ...client, project, provider: name, cachedRows: 0, orderHash: place?.orderHash };
  // What one key's account holds no other can read: the first has all that clients make.
  const keyIndex = keyWeights.length > 1 ? 0 : undefined;
  const draft = await ClientBatchDraft.open(parts, kept, { endpoint, headers: {}, keyIndex, batchId: place?.batchId });
  const intake = new RowIntake({
    parts,
    draft,
    owners,
    caller,
    endpoint,
    headers,
    query,
    param,
    maxRequests: api.limits.maxRequests,
    signal,
  });
  return { draft, intake, api };
}
