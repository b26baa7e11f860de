import { ENDPOINTS } from '../../core/model/protocol.ts';
import type { BatchApi, BatchShipment } from '../../ports/batch-api.ts';
import { anthropicBatchRow } from '../../wire/batch/client-batch-row.ts';
import { elementRanges, memberRange } from '../../wire/replay-json-range.ts';
import { type JsonObject, refuse } from '../../wire/request-guards.ts';
import type { ResourceExchange } from '../resources/resource-exchange.ts';
import { queryOf } from '../spoken-protocol.ts';
import type { ClientBatchParts } from './client-batch-draft.ts';
import type { OrderPlace } from './named-order.ts';
import { openIntake } from './open-intake.ts';
import type { RowIntake } from './row-intake.ts';
import { failedSubmission, sendClientBatch, type Submission } from './send-client-batch.ts';
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
  order: { readonly body: JsonObject; readonly bytes: Uint8Array; readonly place: OrderPlace | undefined },
): Promise<number> {
  const { body, bytes, place } = order;
  const range = memberRange(bytes, 0, PARAM);
  if (!Array.isArray(body[PARAM]) || range === undefined) refuse(PARAM, 'must be a list of requests');
  const { clientPath: endpoint } = ENDPOINTS.messages;
  const { draft, intake, api } = await openIntake(exchange, parts, {
    client: { protocol: 'anthropic', endpoint, inputFileId: undefined, metadata: undefined },
    endpoint: 'messages',
    query: queryOf(exchange.request.url ?? ''),
    param: PARAM,
    place,
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
