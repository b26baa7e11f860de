import { FarthingError } from '../../core/errors.ts';
import type { BatchLimits, BatchLine, BatchShipment } from '../../ports/batch-api.ts';

/** How the lines of a shipment become the bytes of a request. @internal */
export interface ShipmentForm {
  readonly head: string;
  readonly separator: string;
  readonly tail: string;
  line(line: BatchLine): string;
}

/** Characters that are gathered before they are sent: a line for itself would cost a packet each. Ours. */
const CHUNK_CHARS = 65_536;

const encoder = new TextEncoder();

/**
 * The bytes of a shipment, some tens of kilobytes at a time.
 * @throws FarthingError `payload-too-large` where they are more than the provider takes; `internal` where there are not as many lines as the shipment says:
 * a batch is found again by their number.
 * @internal
 */
export async function* shipmentBytes(
  shipment: BatchShipment,
  form: ShipmentForm,
  limits: BatchLimits,
): AsyncGenerator<Uint8Array> {
  const { batchId, requests } = shipment;
  if (requests > limits.maxRequests) throw tooLarge(batchId, `${limits.maxRequests} requests`);
  let text = form.head;
  let count = 0;
  let sizeBytes = 0;
  for await (const line of shipment.lines()) {
    text += `${count === 0 ? '' : form.separator}${form.line(line)}`;
    count += 1;
    if (text.length < CHUNK_CHARS) continue;
    const chunk = encoder.encode(text);
    text = '';
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limits.maxBytes) throw tooLarge(batchId, `${limits.maxBytes} bytes`);
    yield chunk;
  }
  if (count !== requests) {
    throw new FarthingError('internal', `batch ${batchId} has ${count} lines in place of ${requests}`);
  }
  const chunk = encoder.encode(text + form.tail);
  if (sizeBytes + chunk.byteLength > limits.maxBytes) throw tooLarge(batchId, `${limits.maxBytes} bytes`);
  yield chunk;
}

function tooLarge(batchId: string, most: string): FarthingError {
  return new FarthingError(
    'payload-too-large',
    `batch ${batchId} is larger than ${most}, the most that its provider takes`,
  );
}
