import type { BatchRow } from '../../core/model/batch-reply.ts';
import type { BatchShipment } from '../../ports/batch-api.ts';

/** Rows that are compared where clients chose the custom ids: a batch of another may begin alike. Ours. */
const COMPARED_ROWS = 100;

/**
 * Whether results are those of a shipment, by their custom ids: one that begins with our id of the batch says it alone; ids that clients chose have to be
 * among theirs. `unsure` where there is no row.
 * @internal
 */
export async function areOwnRows(
  shipment: BatchShipment,
  rows: AsyncIterable<BatchRow>,
): Promise<'yes' | 'no' | 'unsure'> {
  const prefix = `${shipment.batchId}-`;
  let chosen: ReadonlySet<string> | undefined;
  let compared = 0;
  for await (const { customId } of rows) {
    if (customId.startsWith(prefix)) return 'yes';
    chosen ??= await chosenIds(shipment, prefix);
    if (!chosen.has(customId)) return 'no';
    compared += 1;
    if (compared === COMPARED_ROWS) break;
  }
  return compared === 0 ? 'unsure' : 'yes';
}

/** The custom ids of a client's own batch; none where the ids are ours. */
async function chosenIds(shipment: BatchShipment, prefix: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { customId } of shipment.lines()) {
    if (customId.startsWith(prefix)) break;
    ids.add(customId);
  }
  return ids;
}
