import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { ProviderConfig } from '../../config/config.ts';
import type { ResourceKind } from '../../core/model/resource.ts';
import type { JsonObject } from '../../wire/request-guards.ts';
import type { PathMeaning } from '../../wire/resource-path.ts';
import type { Caller } from '../../core/model/caller.ts';
import type { PlainHeaders } from '../credentials.ts';
import { BODY_HEADERS, type PassedReply, type PassThrough } from '../pass-through.ts';
import type { ResourceOwners } from './resource-owners.ts';

/** Who makes batches whose rows are counted. @internal */
export interface BatchCounter {
  /** Makes a batch, and gives the status that the client got; undefined: it is for an endpoint that cannot be metered. */
  create(
    exchange: ResourceExchange,
    kind: 'batches' | 'messages/batches',
    body: Uint8Array,
  ): Promise<number | undefined>;
  /** A batch that was made here, or the file of its results, as its client sees it. Undefined: the provider has it no more. */
  thing(exchange: ResourceExchange, kind: ResourceKind, id: string): Promise<JsonObject | undefined>;
  /** Answers a request for such a thing, and gives the status that the client got. */
  answer(exchange: ResourceExchange, meaning: Extract<PathMeaning, { kind: 'resource' }>): Promise<number>;
  /** Refuses to delete a file with results that have not been booked yet. @throws FarthingError `invalid-request` */
  mustBeBooked(exchange: ResourceExchange, fileId: string): Promise<void>;
}

/** A request that is passed through, and all that is needed to answer it. @internal */
export interface ResourceExchange {
  readonly owners: Pick<ResourceOwners, 'demand' | 'claim' | 'list' | 'forget'>;
  readonly passThrough: Pick<PassThrough, 'send'>;
  readonly provider: ProviderConfig;
  readonly project: string;
  /** Who makes the request; its key counts for each row of a batch. */
  readonly caller: Caller;
  /** The client's headers, without credentials. */
  readonly headers: PlainHeaders;
  /** Takes batches that can be metered. Undefined: none are. */
  readonly batches: BatchCounter | undefined;
  /** Whether the operator passes on what cannot be metered. */
  readonly mayPassUnmetered: boolean;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Largest body that is read for the ids in it, in bytes. */
  readonly maxBodyBytes: number;
  /** Fires when the client leaves. */
  readonly signal: AbortSignal;
  /** Hears that the response is about to be written: until then an error can still be told in shape. */
  readonly onReply: () => void;
}

/**
 * Headers that speak of the body that the client sent, or of codings that we could not read, or want a part of what the client asked, or that only if it has changed; and what
 * the client calls its request: a provider that knows it would give what it did before, or take several requests for one.
 */
const NOT_BESIDE: ReadonlySet<string> = new Set([
  ...BODY_HEADERS,
  'accept-encoding',
  'expect',
  'idempotency-key',
  'x-client-request-id',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

/** The client's headers on a request of ours: versions, betas. @internal */
export function headersBeside(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_BESIDE.has(name)));
}

/** Asks the provider for something beside what the client asked. @internal */
export function askBeside(
  { passThrough, provider, request, signal }: ResourceExchange,
  url: string,
  method = 'GET',
): Promise<PassedReply> {
  return passThrough.send(provider, { url, method, headers: headersBeside(request.headers), signal });
}
