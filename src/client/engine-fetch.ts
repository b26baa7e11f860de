import { FarthingError } from '../core/errors.ts';
import type { Caller } from '../core/model/caller.ts';
import type { Engine } from '../engine/engine-request.ts';
import { type LibraryProvider, resolveAddress } from './provider-origins.ts';
import { WebSink } from './web-sink.ts';

/** What {@link engineFetch} needs. @internal */
export interface EngineFetchOptions {
  /** Opens the engine at the first call. */
  readonly engine: () => Promise<Engine>;
  readonly caller: Caller;
  readonly providers: Readonly<Record<string, LibraryProvider>>;
}

const CREDENTIALS = ['authorization', 'x-api-key', 'api-key'] as const;

/**
 * The web face of the engine: a `fetch` for the official clients. An address that is no configured provider's throws, and so does
 * one that cannot be metered; listing models passes through.
 * @internal
 */
export function engineFetch(options: EngineFetchOptions): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const address = resolveAddress(url, request.method, options.providers);
    if (address.kind === 'unmetered') {
      if (request.method === 'GET' && /^(\/v1)?\/models(\/|$)/.test(address.path)) return globalThis.fetch(request);
      throw new FarthingError(
        'configuration',
        `${request.method} ${address.path} cannot be metered; send it past Farthing`,
      );
    }
    request.signal.throwIfAborted();
    const { headers, credentials } = splitHeaders(request.headers);
    const leave = new AbortController();
    const sink = new WebSink(() => leave.abort());
    const onAbort = (): void => {
      leave.abort(request.signal.reason);
      sink.abort(request.signal.reason as Error);
    };
    request.signal.addEventListener('abort', onAbort, { once: true });
    const body = new Uint8Array(await request.arrayBuffer());
    const engine = await options.engine();
    void engine
      .handle(
        {
          endpoint: address.endpoint,
          provider: address.provider,
          query: url.search.slice(1),
          body,
          headers,
          credentials,
          caller: options.caller,
          signal: leave.signal,
        },
        sink,
      )
      .finally(() => request.signal.removeEventListener('abort', onAbort));
    return sink.response;
  };
}

function splitHeaders(headers: Headers): { headers: Record<string, string>; credentials: Record<string, string> } {
  const plain: Record<string, string> = Object.fromEntries(headers);
  const credentials: Record<string, string> = {};
  for (const name of CREDENTIALS) {
    const value = plain[name];
    if (value !== undefined) credentials[name] = value;
    delete plain[name];
  }
  return { headers: plain, credentials };
}
