import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProviderConfig } from '../../config/config.ts';
import type { PassedReply, PassThrough } from '../pass-through.ts';
import type { ResourceOwners } from './resource-owners.ts';

/** A request that is passed through, and all that is needed to answer it. @internal */
export interface ResourceExchange {
  readonly owners: Pick<ResourceOwners, 'demand' | 'claim' | 'list' | 'forget'>;
  readonly passThrough: Pick<PassThrough, 'send'>;
  readonly provider: ProviderConfig;
  readonly project: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Largest body that is read for the ids in it, in bytes. */
  readonly maxBodyBytes: number;
  /** Fires when the client leaves. */
  readonly signal: AbortSignal;
  /** Hears that the response is about to be written: until then an error can still be told in shape. */
  readonly onReply: () => void;
}

/** Headers that speak of the body that the client sent, or of codings that we could not read. */
const OF_THE_BODY: ReadonlySet<string> = new Set(['content-length', 'content-type', 'accept-encoding']);

/** Asks the provider for something beside what the client asked, with the client's other headers: versions, betas. @internal */
export function askBeside(
  { passThrough, provider, request, signal }: ResourceExchange,
  url: string,
): Promise<PassedReply> {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !OF_THE_BODY.has(name)));
  return passThrough.send(provider, { url, method: 'GET', headers, signal });
}
