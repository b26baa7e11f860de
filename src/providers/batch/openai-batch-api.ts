import { isFarthingError } from '../../core/errors.ts';
import type { BatchStatus } from '../../core/model/batch-reply.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import type { BatchAddress, BatchApi, BatchLimits, BatchShipment } from '../../ports/batch-api.ts';
import type { Provider } from '../../ports/provider.ts';
import { openaiBatchLine } from '../../wire/batch/batch-line.ts';
import { batchIdOf, createdAtMsOf, openaiBatchBody, openaiBatchStatus } from '../../wire/batch/openai-batch-object.ts';
import { openaiBatchResult } from '../../wire/batch/openai-batch-result.ts';
import type { JsonObject } from '../../wire/request-guards.ts';
import { askJson, askProvider, maskedText } from './ask-provider.ts';
import { askToMake } from './ask-to-make.ts';
import { BATCH_WINDOW_MS, isBefore, MAX_CUSTOM_ID_CHARS } from './batch-window.ts';
import { cancelRunning } from './cancel-running.ts';
import { listedThings } from './listed-things.ts';
import { resultRows } from './result-rows.ts';
import { shipmentBytes } from './shipment-bytes.ts';
import type { BatchAsk } from './streamed-reply.ts';

/**
 * 50,000 requests and 200 MB a file (openai, `BatchCreateParams.input_file_id`); half a megabyte below, for what stands around the file. A batch of embeddings may have
 * no more than 50,000 inputs in all its requests (`BatchCreateParams.endpoint`).
 * @internal
 */
export const OPENAI_BATCH_LIMITS: BatchLimits = {
  maxRequests: 50_000,
  maxInputs: 50_000,
  maxBytes: 199_500_000,
  lineBytes: openaiBatchLine('x'.repeat(MAX_CUSTOM_ID_CHARS), ENDPOINTS.chat.clientPath, '').length + 1,
  windowMs: BATCH_WINDOW_MS,
};

/** Files on a page of their list. OpenAI gives up to 10,000 (API reference, "List files"). */
const FILES_A_PAGE = '1000';
/** Batches on a page of their list: the most that OpenAI gives (API reference, "List batch"). */
const BATCHES_A_PAGE = '100';

const NOT_FOUND = 404;

type Sender = Pick<BatchShipment, 'headers' | 'keyIndex'>;

/** The batch interface of a provider that speaks as OpenAI does. @internal */
export function openaiBatchApi(provider: Provider): BatchApi {
  const status = async (batch: BatchAddress): Promise<BatchStatus> =>
    withoutSecrets(
      provider,
      await askJson(provider, get(batch, batchPath(batch)), `the look at batch ${batch.providerId}`),
    );
  return {
    limits: OPENAI_BATCH_LIMITS,
    async stage(shipment, mayBeThere) {
      const there = mayBeThere ? await stagedFile(provider, shipment) : undefined;
      return there ?? askToMake(provider, upload(shipment), `the file of batch ${shipment.batchId}`);
    },
    submit: (shipment, stagedId) =>
      askToMake(provider, submission(shipment, stagedId ?? ''), `batch ${shipment.batchId}`),
    async find(shipment, sinceMs) {
      const query = { limit: BATCHES_A_PAGE };
      const ask = { path: '/batches', query, cursor: 'after', what: 'the list of batches', ...senderOf(shipment) };
      for await (const batch of listedThings(provider, ask)) {
        if (isBefore(createdAtMsOf(batch), sinceMs)) break;
        const { id } = batch;
        if (typeof id === 'string' && batchIdOf(batch) === shipment.batchId) return { kind: 'found', providerId: id };
      }
      return { kind: 'absent' };
    },
    async unstage(sender, stagedId) {
      const path = `/files/${encodeURIComponent(stagedId)}`;
      try {
        await askJson(provider, { ...get(sender, path), method: 'DELETE' }, `the removal of file ${stagedId}`);
      } catch (error) {
        if (!isFarthingError(error) || error.status !== NOT_FOUND) throw error;
      }
    },
    status,
    rows: (batch, { resultIds }) =>
      resultRows(
        resultIds.map((id) => ({
          name: `file ${id} of batch ${batch.providerId}`,
          open: () =>
            askProvider(provider, get(batch, `/files/${encodeURIComponent(id)}/content`), `the content of file ${id}`),
        })),
        openaiBatchResult,
      ),
    cancel: (batch) =>
      cancelRunning(
        () =>
          askJson(
            provider,
            { ...get(batch, `${batchPath(batch)}/cancel`), method: 'POST' },
            `the end of batch ${batch.providerId}`,
          ),
        () => status(batch),
      ),
  };
}

function withoutSecrets(provider: Provider, answer: JsonObject): BatchStatus {
  const status = openaiBatchStatus(answer);
  const { fault, faults = [] } = status;
  if (fault === undefined) return status;
  return {
    ...status,
    fault: maskedText(provider, fault),
    faults: faults.map(({ line, code, message }) => ({ line, code, message: maskedText(provider, message) })),
  };
}

/** The file of an earlier try, whose answer was lost. */
async function stagedFile(provider: Provider, shipment: BatchShipment): Promise<string | undefined> {
  const query = { purpose: 'batch', order: 'desc', limit: FILES_A_PAGE };
  const ask = { path: '/files', query, cursor: 'after', what: 'the list of files', ...senderOf(shipment) };
  for await (const { id, filename, bytes, status } of listedThings(provider, ask)) {
    const isOurs = filename === fileName(shipment) && typeof id === 'string';
    if (isOurs && status !== 'error' && typeof bytes === 'number' && bytes > 0) return id;
  }
  return undefined;
}

/**
 * A form with the file in it (RFC 7578). The boundary need not be guessed to be unlike the content: no line of that begins with a dash, and none ends with a
 * carriage return.
 */
function upload(shipment: BatchShipment): BatchAsk {
  const boundary = `farthing-${shipment.batchId}`;
  const disposition = 'Content-Disposition: form-data; name=';
  const form = {
    head: [
      `--${boundary}\r\n${disposition}"purpose"\r\n\r\nbatch\r\n`,
      `--${boundary}\r\n${disposition}"file"; filename="${fileName(shipment)}"\r\nContent-Type: application/jsonl\r\n\r\n`,
    ].join(''),
    separator: '\n',
    tail: `\n\r\n--${boundary}--\r\n`,
    line: ({ customId, body }: { readonly customId: string; readonly body: string }) =>
      openaiBatchLine(customId, ENDPOINTS[shipment.endpoint].clientPath, body),
  };
  return {
    ...senderOf(shipment),
    method: 'POST',
    path: '/files',
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: shipmentBytes(shipment, form, OPENAI_BATCH_LIMITS),
  };
}

function submission(shipment: BatchShipment, fileId: string): BatchAsk {
  const body = openaiBatchBody(shipment.batchId, fileId, ENDPOINTS[shipment.endpoint].clientPath);
  return {
    ...senderOf(shipment),
    method: 'POST',
    path: '/batches',
    contentType: 'application/json',
    body: Buffer.from(body),
  };
}

function fileName({ batchId }: BatchShipment): string {
  return `${batchId}.jsonl`;
}

function batchPath({ providerId }: BatchAddress): string {
  return `/batches/${encodeURIComponent(providerId)}`;
}

function get(sender: Sender, path: string): BatchAsk {
  return { ...senderOf(sender), method: 'GET', path };
}

function senderOf({ headers, keyIndex }: Sender): Sender {
  return { headers, keyIndex };
}
