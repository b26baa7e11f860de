import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { FarthingError } from '../../core/errors.ts';
import { passedHeaders } from '../../engine/passed-headers.ts';
import type { PassedReply } from '../pass-through.ts';

/** Longest reply that is read for the ids in it, in bytes: a stored response with images comes near it, objects of other kinds have kilobytes. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** Streams a reply to the client. The head is written at once: until then an error can still be told in shape. @internal */
export async function relayReply({ status, headers, body }: PassedReply, response: ServerResponse): Promise<void> {
  const kept: Record<string, string | string[]> = {};
  for (const name of ['content-length', 'content-encoding']) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  response.writeHead(status, { ...passedHeaders(headers), ...kept });
  // Cuts the client's reply when the provider's breaks off, and the provider's when the client leaves.
  await pipeline(body, response);
}

/** Sends a reply whose body has been read. @internal */
export function sendReply(
  { status, headers }: Omit<PassedReply, 'body'>,
  body: Uint8Array,
  response: ServerResponse,
): void {
  response.writeHead(status, { ...passedHeaders(headers), 'content-length': body.byteLength });
  response.end(body);
}

/** Whether a reply is JSON, by its type. @internal */
export function isJsonReply({ headers }: PassedReply): boolean {
  return /^application\/json(?:$|[\s;])/i.test(String(headers['content-type'] ?? ''));
}

/**
 * Reads a reply to its end.
 * @throws FarthingError `provider-broken` when it breaks off, is compressed though that was not asked for, or is too long to be read.
 * @internal
 */
export async function readReply({ headers, body }: PassedReply): Promise<Buffer> {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity' && coding !== '') {
    body.destroy();
    throw new FarthingError('provider-broken', 'the provider compressed its reply, which was not asked for');
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      const bytes: Buffer = chunk;
      sizeBytes += bytes.byteLength;
      if (sizeBytes > MAX_READ_BYTES) break; // which destroys the stream
      chunks.push(bytes);
    }
  } catch (cause) {
    throw new FarthingError('provider-broken', 'the provider’s reply broke off', { retryable: true, cause });
  }
  if (sizeBytes <= MAX_READ_BYTES) return Buffer.concat(chunks);
  throw new FarthingError('provider-broken', `the provider’s reply is longer than ${MAX_READ_BYTES} bytes`);
}
