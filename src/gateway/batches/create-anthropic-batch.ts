import type { ClientBatch } from '../../core/model/provider-batch.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import type { BatchApi, BatchShipment } from '../../ports/batch-api.ts';
import { anthropicBatchRow } from '../../wire/batch/client-batch-row.ts';
import { elementRanges, memberRange } from '../../wire/replay-json-range.ts';
import { type JsonObject, refuse } from '../../wire/request-guards.ts';
import type { ResourceExchange } from '../resources/resource-exchange.ts';
import { queryOf } from '../spoken-protocol.ts';
import { ClientBatchDraft, type ClientBatchParts } from './client-batch-draft.ts';
import { RowIntake } from './row-intake.ts';
import { apiOf, failedSubmission, sendClientBatch, type Submission } from './send-client-batch.ts';
import { shownAt } from './shown-thing.ts';

const PARAM = 'requests';

/**
 * Makes an Anthropic batch for a client, whose requests came with it: each is a call of its own.
 * @throws FarthingError that names the requests at fault, or says why the batch is refused
 * @internal
 */
export async function createAnthropicBatch(
  exchange: ResourceExchange,
  parts: ClientBatchParts,
  body: JsonObject,
  bytes: Uint8Array,
): Promise<number> {
  const { provider, project, caller, headers, signal, owners, request } = exchange;
  const range = memberRange(bytes, 0, PARAM);
  if (!Array.isArray(body[PARAM]) || range === undefined) refuse(PARAM, 'must be a list of requests');
  const { api, keyWeights = [] } = { api: apiOf(parts, provider.name), ...parts.providerOf(provider.name) };
  const client: ClientBatch = {
    project,
    protocol: 'anthropic',
    provider: provider.name,
    endpoint: ENDPOINTS.messages.clientPath,
    inputFileId: undefined,
    metadata: undefined,
    cachedRows: 0,
  };
  const draft = await ClientBatchDraft.open(parts, client, {
    endpoint: 'messages',
    headers: {},
    keyIndex: keyWeights.length > 1 ? 0 : undefined,
  });
  const intake = new RowIntake({
    parts,
    draft,
    owners,
    caller,
    endpoint: 'messages',
    headers,
    query: queryOf(request.url ?? ''),
    param: PARAM,
    maxRequests: api.limits.maxRequests,
    signal,
  });
  return sendClientBatch(exchange, parts, {
    draft,
    intake,
    fill: (rows) => fill(rows, bytes, range[0]),
    way: {
      kind: 'messages/batches',
      stage: () => Promise.resolve(undefined),
      submit: (shipment) => submit(exchange, api, shipment),
    },
  });
}

async function fill(intake: RowIntake, bytes: Uint8Array, start: number): Promise<void> {
  let index = 0;
  for (const [from, to] of elementRanges(bytes, start)) {
    // oxlint-disable-next-line no-await-in-loop -- waits for room
    await intake.add(`requests[${index}]`, anthropicBatchRow(bytes.subarray(from, to)));
    index += 1;
  }
}

async function submit(exchange: ResourceExchange, api: BatchApi, shipment: BatchShipment): Promise<Submission> {
  try {
    const providerId = await api.submit(shipment, undefined);
    // It is made; how it looks right now is worth nobody's failure.
    const shown = await shownAt(exchange, 'messages/batches', providerId).catch(() => undefined);
    return { kind: 'made', providerId, shown };
  } catch (error) {
    return failedSubmission(error);
  }
}
