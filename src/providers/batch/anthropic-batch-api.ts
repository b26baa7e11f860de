import type { BatchStatus } from '../../core/model/batch-reply.ts';
import type {
  BatchAddress,
  BatchApi,
  BatchLimits,
  BatchLine,
  BatchShipment,
  FoundBatch,
} from '../../ports/batch-api.ts';
import type { Provider } from '../../ports/provider.ts';
import { anthropicBatchFacts, anthropicBatchStatus } from '../../wire/batch/anthropic-batch-object.ts';
import { anthropicBatchResult } from '../../wire/batch/anthropic-batch-result.ts';
import { anthropicBatchRequest } from '../../wire/batch/batch-line.ts';
import type { JsonObject } from '../../wire/request-guards.ts';
import { askJson, askProvider } from './ask-provider.ts';
import { askToMake } from './ask-to-make.ts';
import { BATCH_WINDOW_MS, isBefore, MAX_CUSTOM_ID_CHARS } from './batch-window.ts';
import { cancelRunning } from './cancel-running.ts';
import { listedThings } from './listed-things.ts';
import { areOwnRows } from './own-rows.ts';
import { resultRows } from './result-rows.ts';
import { shipmentBytes } from './shipment-bytes.ts';
import type { BatchAsk } from './streamed-reply.ts';

/** 100,000 requests or 256 MB, whichever comes first (docs.claude.com, batch processing, "Batch limitations"); half a megabyte below. @internal */
export const ANTHROPIC_BATCH_LIMITS: BatchLimits = {
  maxRequests: 100_000,
  maxBytes: 255_500_000,
  lineBytes: anthropicBatchRequest('x'.repeat(MAX_CUSTOM_ID_CHARS), '').length + 1,
  windowMs: BATCH_WINDOW_MS,
};

const PATH = '/v1/messages/batches';
/** Batches on a page of their list; Anthropic gives up to 1,000. */
const BATCHES_A_PAGE = '100';

const FORM = {
  head: '{"requests":[',
  separator: ',',
  tail: ']}',
  line: ({ customId, body }: BatchLine) => anthropicBatchRequest(customId, body),
} as const;

type Sender = Pick<BatchShipment, 'headers' | 'keyIndex'>;

/** The batch interface of a provider that speaks as Anthropic does. @internal */
export function anthropicBatchApi(provider: Provider): BatchApi {
  const status = async (batch: BatchAddress): Promise<BatchStatus> =>
    anthropicBatchStatus(
      await askJson(provider, get(batch, batch.providerId), `the look at batch ${batch.providerId}`),
    );
  return {
    limits: ANTHROPIC_BATCH_LIMITS,
    stage: () => Promise.resolve(undefined),
    submit: (shipment) => askToMake(provider, submission(shipment), `batch ${shipment.batchId}`),
    find: (shipment, sinceMs, isKnown) => findBatch(provider, shipment, sinceMs, isKnown),
    unstage: () => Promise.resolve(),
    status,
    rows: (batch) =>
      resultRows(
        [{ name: `the results of batch ${batch.providerId}`, open: () => results(provider, batch, batch.providerId) }],
        anthropicBatchResult,
      ),
    cancel: (batch) =>
      cancelRunning(
        () =>
          askJson(
            provider,
            { ...get(batch, batch.providerId, '/cancel'), method: 'POST' },
            `the end of batch ${batch.providerId}`,
          ),
        () => status(batch),
      ),
  };
}

/**
 * A batch bears no mark but the custom ids in it, and those are shown when it has ended. Until then it is told from others by when it was made, by the
 * number of its requests, and by not being one that is known.
 */
async function findBatch(
  provider: Provider,
  shipment: BatchShipment,
  sinceMs: number,
  isKnown: (providerId: string) => boolean,
): Promise<FoundBatch> {
  const { headers, keyIndex } = shipment;
  const query = { limit: BATCHES_A_PAGE };
  const ask = { path: PATH, query, cursor: 'after_id', what: 'the list of batches', headers, keyIndex };
  let found: FoundBatch = { kind: 'absent' };
  for await (const batch of listedThings(provider, ask)) {
    if (isBefore(anthropicBatchFacts(batch).createdAtMs, sinceMs)) break;
    const { id } = batch;
    if (typeof id !== 'string' || isKnown(id)) continue;
    const verdict = await isSame(provider, shipment, id, batch);
    if (verdict === 'yes') return { kind: 'found', providerId: id };
    if (verdict === 'unsure') found = { kind: 'unsure' };
  }
  return found;
}

async function isSame(
  provider: Provider,
  shipment: BatchShipment,
  providerId: string,
  batch: JsonObject,
): Promise<'yes' | 'no' | 'unsure'> {
  const { requests, isEnded, hasResults } = anthropicBatchFacts(batch);
  if (requests !== shipment.requests) return 'no';
  if (!isEnded || !hasResults) return 'unsure';
  const rows = resultRows(
    [{ name: `the results of batch ${providerId}`, open: () => results(provider, shipment, providerId) }],
    anthropicBatchResult,
  );
  return areOwnRows(shipment, rows);
}

function submission(shipment: BatchShipment): BatchAsk {
  const { headers, keyIndex } = shipment;
  const body = shipmentBytes(shipment, FORM, ANTHROPIC_BATCH_LIMITS);
  return { method: 'POST', path: PATH, headers, keyIndex, contentType: 'application/json', body };
}

/** The address that a batch names for its results is not used: credentials go to the provider's own address only. */
function results(provider: Provider, sender: Sender, providerId: string): Promise<AsyncIterable<Uint8Array>> {
  return askProvider(provider, get(sender, providerId, '/results'), `the results of batch ${providerId}`);
}

function get({ headers, keyIndex }: Sender, providerId: string, below = ''): BatchAsk {
  return { method: 'GET', path: `${PATH}/${encodeURIComponent(providerId)}${below}`, headers, keyIndex };
}
