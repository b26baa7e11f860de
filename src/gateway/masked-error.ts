import { Readable } from 'node:stream';
import type { ProviderConfig } from '../config/config.ts';
import { FarthingError } from '../core/errors.ts';
import { secretMask } from '../wire/masked-secrets.ts';

/** A provider's reply that is an error. @internal */
interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Readable;
}

/** Longest error that is passed on, in bytes: it is held in memory. */
const MAX_ERROR_BYTES = 1_000_000;

/**
 * Takes the operator's secrets out of a provider's error, in head and body: keys, and headers and query values that may let somebody in.
 * @throws FarthingError `provider-broken` for an error that cannot be looked into: too long, cut, or compressed although that was not asked for.
 * @internal
 */
export async function maskedError(
  reply: ErrorReply,
  { keys, headers: own, query }: Pick<ProviderConfig, 'keys' | 'headers' | 'query'>,
): Promise<ErrorReply> {
  const mask = secretMask([...keys.map(({ secret }) => secret), ...Object.values(own), ...Object.values(query)]);
  const body = await wholeBody(reply);
  const headers: Record<string, string | string[]> = {};
  const masked = (value: string): string => Buffer.from(mask(Buffer.from(value))).toString();
  for (const [name, value] of Object.entries(reply.headers)) {
    if (name !== 'content-length') headers[name] = typeof value === 'string' ? masked(value) : value.map(masked);
  }
  const content = Buffer.from(mask(body));
  headers['content-length'] = String(content.byteLength);
  return { status: reply.status, headers, body: Readable.from([content], { objectMode: false }) };
}

async function wholeBody({ status, headers, body }: ErrorReply): Promise<Buffer> {
  const broken = (fault: string): FarthingError =>
    new FarthingError('provider-broken', `the provider answered ${status} with an error that ${fault}`);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    const coding = headers['content-encoding'] ?? 'identity';
    if (coding !== 'identity') throw broken('is compressed, which was not asked for');
    for await (const chunk of body as AsyncIterable<Buffer>) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > MAX_ERROR_BYTES) throw broken('is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    body.destroy();
    throw error instanceof FarthingError ? error : broken('was cut');
  }
  return Buffer.concat(chunks);
}
