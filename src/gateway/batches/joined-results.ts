import { Readable } from 'node:stream';
import { jobPages } from '../../jobs/batch/batch-shipment.ts';
import type { Jobs } from '../../ports/job-store.ts';
import { cachedRowLine } from '../../wire/batch/cached-row-line.ts';
import { type BatchOfClient, clientBatchObject, hasResults } from '../../wire/batch/client-batch-object.ts';
import { resultFileId } from '../../wire/batch/client-batch-ids.ts';
import type { JsonObject } from '../../wire/request-guards.ts';
import type { PassedReply } from '../pass-through.ts';
import { relayReply } from '../resources/passed-reply.ts';
import { askBeside, type ResourceExchange } from '../resources/resource-exchange.ts';
import { cachedRowsId } from './client-batch-draft.ts';
import { shownAt } from './shown-thing.ts';

const LINE_FEED = 10;

/** Headers that are true of the provider's results alone. */
const OF_A_PART: ReadonlySet<string> = new Set([
  'content-length',
  'content-md5',
  'accept-ranges',
  'etag',
  'last-modified',
  'digest',
  'content-digest',
  'repr-digest',
]);

/** The lines of a batch's results that the cache has answered, as they are written to the results. @internal */
export async function* cachedLines(
  jobs: Pick<Jobs, 'list'>,
  { batchId, client }: BatchOfClient,
): AsyncGenerator<string> {
  for await (const page of jobPages(jobs, { batchId: cachedRowsId(batchId) })) {
    for (const { call, result } of page) {
      const { callId, customId = '' } = call;
      yield cachedRowLine(client.protocol, { callId, customId, body: result?.body ?? '' });
    }
  }
}

/**
 * Answers with the provider's results, byte for byte, and further lines behind them.
 * @param path - Where the provider has its results; undefined: it has none.
 * @returns the status that the client got: the provider's own, with its own words, where it does not give them.
 * @internal
 */
export async function joinedReply(
  exchange: ResourceExchange,
  path: string | undefined,
  lines: AsyncIterable<string>,
): Promise<number> {
  const { onReply, response } = exchange;
  const reply: PassedReply | undefined = path === undefined ? undefined : await askBeside(exchange, path);
  if (reply !== undefined && reply.status !== 200) {
    onReply();
    await relayReply(reply, response);
    return reply.status;
  }
  const headers = Object.fromEntries(
    Object.entries(reply?.headers ?? { 'content-type': 'application/x-jsonl' }).filter(
      ([name]) => !OF_A_PART.has(name),
    ),
  );
  const body = Readable.from(joined(reply?.body, lines), { objectMode: false });
  onReply();
  await relayReply({ status: 200, headers, body }, response);
  return 200;
}

async function* joined(first: Readable | undefined, lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let last: number | undefined = LINE_FEED;
  for await (const chunk of first ?? []) {
    const bytes: Buffer = chunk;
    last = bytes.at(-1) ?? last;
    yield bytes;
  }
  if (last !== LINE_FEED) yield Buffer.from('\n');
  for await (const line of lines) yield Buffer.from(line);
}

/** The file that holds all results of a batch, as its client sees it; undefined: it is not there (yet, or any more). @internal */
export async function resultFile(
  exchange: ResourceExchange,
  jobs: Pick<Jobs, 'list'>,
  batch: BatchOfClient,
): Promise<JsonObject | undefined> {
  const { batchId, providerId, formedAtMs } = batch;
  const shown = providerId === undefined ? undefined : await shownAt(exchange, 'batches', providerId);
  if (!hasResults(clientBatchObject(batch, shown))) return undefined;
  const fileId = shown?.['output_file_id'];
  const file = typeof fileId === 'string' ? await shownAt(exchange, 'files', fileId) : undefined;
  const size = file?.['bytes'];
  let sizeBytes = typeof size === 'number' ? size : 0;
  for await (const line of cachedLines(jobs, batch)) sizeBytes += Buffer.byteLength(line);
  return {
    object: 'file',
    created_at: Math.floor(formedAtMs / 1000),
    filename: `${batchId}_output.jsonl`,
    purpose: 'batch_output',
    status: 'processed',
    ...file,
    id: resultFileId(batchId),
    bytes: sizeBytes,
  };
}
