import { FarthingError } from '../../core/errors.ts';
import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import type { BatchShipment } from '../../ports/batch-api.ts';
import { isOwnBatchId } from '../../wire/batch/client-batch-ids.ts';
import { openaiBatchRow } from '../../wire/batch/client-batch-row.ts';
import { BATCH_METADATA_KEY } from '../../wire/batch/openai-batch-object.ts';
import { isObject, type JsonObject, refuse } from '../../wire/request-guards.ts';
import { batchFileLines } from '../resources/batch-file.ts';
import { readReply, sendReply } from '../resources/passed-reply.ts';
import { headersBeside, type ResourceExchange } from '../resources/resource-exchange.ts';
import type { ClientBatchParts } from './client-batch-draft.ts';
import type { OrderPlace } from './named-order.ts';
import { openIntake } from './open-intake.ts';
import type { RowIntake } from './row-intake.ts';
import { isCertain, sendClientBatch, type Submission } from './send-client-batch.ts';

/** The place of the file in the client's request. */
const PARAM = 'input_file_id';

/** Labels that a batch may have (openai, `Metadata`); one is ours. */
const MAX_METADATA = 16;

/** Endpoints that can be metered, by the path that a batch names. */
const METERED: ReadonlyMap<unknown, Endpoint> = new Map(
  (['chat', 'responses', 'embeddings'] as const).map((endpoint) => [ENDPOINTS[endpoint].clientPath, endpoint]),
);

/**
 * Makes an OpenAI batch for a client, of the file that the client has uploaded: each line is a call of its own. Undefined: the batch is for an endpoint that cannot be metered.
 * @throws FarthingError that names the lines at fault, or says why the batch is refused
 * @internal
 */
export async function createOpenaiBatch(
  exchange: ResourceExchange,
  parts: ClientBatchParts,
  { body, place }: { readonly body: JsonObject; readonly place: OrderPlace | undefined },
): Promise<number | undefined> {
  const { [PARAM]: fileId, endpoint: path } = body;
  if (typeof fileId !== 'string' || fileId === '') refuse(PARAM, 'must name a file');
  if (isOwnBatchId(fileId)) refuse(PARAM, 'must not be a file of results');
  if (typeof path !== 'string') refuse('endpoint', 'must be the path of an endpoint');
  const endpoint = METERED.get(path);
  if (endpoint === undefined) return undefined;
  const metadata = metadataIn(body);
  const { draft, intake, api } = await openIntake(exchange, parts, {
    client: { protocol: 'openai', endpoint: path, inputFileId: fileId, metadata },
    endpoint,
    query: '',
    param: PARAM,
    place,
  });
  return sendClientBatch(exchange, parts, {
    draft,
    intake,
    fill: (rows) => fill(exchange, rows, { fileId, path }),
    way: {
      kind: 'batches',
      // What need not be changed is sent as the client has put it there.
      stage: (shipment) => (intake.isRewritten ? api.stage(shipment, false) : Promise.resolve(undefined)),
      submit: (shipment, stagedId) => submit(exchange, { ...body, [PARAM]: stagedId ?? fileId, metadata }, shipment),
    },
  });
}

async function fill(
  exchange: ResourceExchange,
  intake: RowIntake,
  { fileId, path }: { readonly fileId: string; readonly path: string },
): Promise<void> {
  let number = 0;
  for await (const line of batchFileLines(exchange, fileId)) {
    number += 1;
    if (isBlank(line)) continue;
    await intake.add(`line ${number}`, openaiBatchRow(line, path)); // oxlint-disable-line no-await-in-loop -- waits for room
  }
}

const SPACE = 0x20;

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte <= SPACE);
}

function metadataIn(body: JsonObject): Readonly<Record<string, string>> | undefined {
  const { metadata } = body;
  if (metadata === undefined || metadata === null) return undefined;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    refuse('metadata', 'must hold texts');
  }
  if (Object.keys(metadata).length >= MAX_METADATA) refuse('metadata', `may have ${MAX_METADATA - 1} entries here`);
  if (BATCH_METADATA_KEY in metadata) refuse(`metadata.${BATCH_METADATA_KEY}`, 'is taken');
  return metadata as Readonly<Record<string, string>>;
}

/** Sends the client's order, with our mark in it: by that a batch is found again whose answer is lost. */
async function submit(
  { passThrough, provider, request, response, onReply }: ResourceExchange,
  order: JsonObject & { readonly metadata: Readonly<Record<string, string>> | undefined },
  { batchId }: BatchShipment,
): Promise<Submission> {
  const marked = { ...order, metadata: { ...order.metadata, [BATCH_METADATA_KEY]: batchId } };
  const headers = { ...headersBeside(request.headers), 'content-type': 'application/json' };
  const { url = '/v1/batches' } = request;
  const body = Buffer.from(JSON.stringify(marked));
  try {
    // Not cut when the client leaves: nobody would know then what became of it.
    const { signal } = new AbortController();
    const reply = await passThrough.send(provider, { url, method: 'POST', headers, body, signal });
    const read = await readReply(reply);
    const isWell = reply.status >= 200 && reply.status < 300;
    if (!isWell && isCertain(reply.status)) {
      const answer = (): number => {
        onReply();
        sendReply(reply, read, response);
        return reply.status;
      };
      return { kind: 'refused', answer };
    }
    const shown: unknown = isWell ? JSON.parse(read.toString()) : undefined;
    if (isObject(shown) && typeof shown['id'] === 'string') return { kind: 'made', providerId: shown['id'], shown };
    return { kind: 'unsure', error: new FarthingError('provider-failed', `the provider answered ${reply.status}`) };
  } catch (cause) {
    const error = new FarthingError('provider-broken', 'the provider’s answer to the batch was lost', { cause });
    return { kind: 'unsure', error };
  }
}
