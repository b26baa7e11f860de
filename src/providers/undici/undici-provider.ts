import { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { FarthingError, isFarthingError } from '../../core/errors.ts';
import type { Protocol } from '../../core/model/protocol.ts';
import { withoutTrailing } from '../../core/without-trailing.ts';
import type { Random } from '../../ports/clock.ts';
import type { Exchange, Provider, ProviderListener, ProviderRequest } from '../../ports/provider.ts';
import { secretMask } from '../../wire/masked-secrets.ts';
import { chooseWeighted, type WeightedKey } from './weighted-key.ts';

/** How to reach a provider. @public */
export interface UndiciProviderOptions {
  readonly name: string;
  readonly protocol: Protocol;
  /** `https://api.openai.com/v1`, `https://api.anthropic.com`: paths of endpoints are appended. */
  readonly baseUrl: string;
  /** Keys to choose from by weight; empty for a provider that takes the caller's own credentials. */
  readonly apiKeys: readonly WeightedKey[];
  /** Sent with every request; wins over ours (Azure `api-key`). @defaultValue none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Appended to every address (Azure `api-version`). @defaultValue none */
  readonly query?: Readonly<Record<string, string>>;
  /**
   * Most connections to the provider. Each carries one request at a time.
   * @defaultValue {@link DEFAULT_CONNECTIONS}
   */
  readonly connections?: number;
  /** For choosing among several keys. */
  readonly random: Random;
}

/** Connections to one provider: one for every call in flight, far below the 28,000 local ports that Linux gives out. @public */
export const DEFAULT_CONNECTIONS = 4096;

/** The version that the Anthropic API demands; a caller's own header wins. Source: docs of the Messages API. */
const ANTHROPIC_VERSION = '2023-06-01';

/** How long a connection may take to come up, in milliseconds: undici's own default. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A provider behind an undici pool. Redirects are never followed, and no address is ever taken from a request.
 * @throws FarthingError `configuration` for a base URL that is not http or https or carries credentials.
 * @public
 */
export function undiciProvider(options: UndiciProviderOptions): Provider {
  const base = parseBase(options);
  const pool = new Pool(base.origin, {
    connections: options.connections ?? DEFAULT_CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  return {
    name: options.name,
    protocol: options.protocol,
    maskSecrets: secretMask([
      ...options.apiKeys.map(({ key }) => key),
      ...Object.values(options.headers ?? {}),
      ...Object.values(options.query ?? {}),
    ]),
    keyWeights: options.apiKeys.map(({ weight }) => weight ?? 1),
    send(request, listener) {
      const handler = new DispatchListener(request.signal, listener);
      pool.dispatch(
        {
          path: `${base.path}${withQuery(request.path, base.query)}`,
          method: request.method,
          headers: requestHeaders(options, request),
          body: dispatchBody(request.body),
          headersTimeout: request.headTimeoutMs,
          bodyTimeout: request.idleTimeoutMs,
        },
        handler,
      );
      return handler;
    },
    close: () => pool.destroy(),
  };
}

function parseBase(options: UndiciProviderOptions): { origin: string; path: string; query: string } {
  const url = URL.parse(options.baseUrl);
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.password !== '' ||
    url.hash !== ''
  ) {
    throw new FarthingError('configuration', `provider ${options.name}: baseUrl must be an http or https address`);
  }
  const query = new URLSearchParams([...url.searchParams, ...Object.entries(options.query ?? {})]).toString();
  return { origin: url.origin, path: withoutTrailing(url.pathname, '/'), query };
}

/** The operator's query comes after the client's: with most servers the last of two equal names counts. */
function withQuery(path: string, query: string): string {
  if (query === '') return path;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

function requestHeaders(options: UndiciProviderOptions, request: ProviderRequest): Record<string, string> {
  const headers: Record<string, string> = { ...request.headers };
  const key =
    request.keyIndex === undefined
      ? chooseWeighted(options.apiKeys, options.random)
      : options.apiKeys[request.keyIndex]?.key;
  if (key !== undefined) {
    delete headers['authorization'];
    delete headers['x-api-key'];
    if (options.protocol === 'anthropic') headers['x-api-key'] = key;
    else headers['authorization'] = `Bearer ${key}`;
  }
  if (options.protocol === 'anthropic') headers['anthropic-version'] ??= ANTHROPIC_VERSION;
  return options.headers === undefined ? headers : { ...headers, ...options.headers };
}

function dispatchBody(body: ProviderRequest['body']): Uint8Array | Readable | null {
  if (body === undefined || body instanceof Uint8Array) return body ?? null;
  return Readable.from(body, { objectMode: false });
}

/** Turns undici's callbacks into ours; cancels when the signal fires. */
class DispatchListener implements Dispatcher.DispatchHandler, Exchange {
  readonly #signal: AbortSignal;
  readonly #listener: ProviderListener;
  readonly #onAbort = (): void => this.#cancel();
  #controller: Dispatcher.DispatchController | undefined;
  #wasSent = false;
  #isOver = false;

  constructor(signal: AbortSignal, listener: ProviderListener) {
    this.#signal = signal;
    this.#listener = listener;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#cancel();
    else this.#wasSent = true;
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return;
    this.#listener.onHead(status, headers as Record<string, string | readonly string[]>);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#listener.onData(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#finish()) this.#listener.onEnd();
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#finish()) this.#listener.onError(this.#named(error), this.#wasSent);
  }

  #cancel(): void {
    if (this.#controller !== undefined) this.#controller.abort(new Error('cancelled'));
    else if (this.#finish()) this.#listener.onError(leaveReason(this.#signal), false);
  }

  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    return true;
  }

  #named(error: Error): FarthingError {
    if (this.#signal.aborted) return leaveReason(this.#signal);
    if (isFarthingError(error)) return error; // thrown by the body
    const code = 'code' in error ? String(error.code) : '';
    if (!this.#wasSent || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
      return new FarthingError('provider-unreachable', `the provider cannot be reached (${code || error.name})`, {
        retryable: true,
        cause: error,
      });
    }
    if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
      return new FarthingError('provider-timeout', 'the provider was silent for too long', {
        retryable: true,
        cause: error,
      });
    }
    return new FarthingError('provider-broken', `the connection to the provider broke (${code || error.name})`, {
      retryable: true,
      cause: error,
    });
  }
}

/** Why a request was cancelled: its deadline, or nobody waits for it. */
function leaveReason(signal: AbortSignal): FarthingError {
  const reason: unknown = signal.reason;
  return reason instanceof FarthingError ? reason : new FarthingError('client-left', 'nobody waits for the answer');
}
