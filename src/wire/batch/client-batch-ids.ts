import type { Protocol } from '../../core/model/protocol.ts';

/** How ids begin that clients' own batches have here, behind what the protocol's ids begin with: the rest is that of our id of the batch. */
const OWN = 'farthing_';

const PREFIXES: Readonly<Record<Protocol, string>> = { openai: 'batch_', anthropic: 'msgbatch_' };
const FILE_PREFIX = 'file-';

const OWN_BATCH = /^(?:batch_|msgbatch_)farthing_([0-9a-f]{16})$/;
const OWN_FILE = /^file-farthing_([0-9a-f]{16})$/;

/**
 * The id that a client gets for a batch that it made. Ours, and known before the provider has the batch: so it is the client's whatever happens on the way.
 * @param batchId - `fb_` and 16 hexadecimal digits.
 * @internal
 */
export function clientBatchId(batchId: string, protocol: Protocol): string {
  return `${PREFIXES[protocol]}${OWN}${batchId.slice('fb_'.length)}`;
}

/** The id of the file that holds the provider's results and those from the cache. @internal */
export function resultFileId(batchId: string): string {
  return `${FILE_PREFIX}${OWN}${batchId.slice('fb_'.length)}`;
}

/** Our id of a batch by the one that its client has; undefined for ids that are not of {@link clientBatchId}. @internal */
export function batchIdOfClient(id: string): string | undefined {
  const digits = OWN_BATCH.exec(id)?.[1];
  return digits === undefined ? undefined : `fb_${digits}`;
}

/** Our id of a batch by that of its results; undefined for ids that are not of {@link resultFileId}. @internal */
export function batchIdOfFile(id: string): string | undefined {
  const digits = OWN_FILE.exec(id)?.[1];
  return digits === undefined ? undefined : `fb_${digits}`;
}

/** Whether an id was made by {@link clientBatchId} or {@link resultFileId}. @internal */
export function isOwnBatchId(id: string): boolean {
  return OWN_BATCH.test(id) || OWN_FILE.test(id);
}
