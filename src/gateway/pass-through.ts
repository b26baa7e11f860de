import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import type { PassThroughConfig, ProviderConfig } from '../config/config.ts';
import { FarthingError } from '../core/errors.ts';
import { withoutTrailing } from '../core/without-trailing.ts';
import type { Caller } from '../core/model/caller.ts';
import type { Admission, CallLimiter } from '../middleware/limits/call-limiter.ts';
import type { Random } from '../ports/clock.ts';
import { chooseWeighted } from '../providers/undici/weighted-key.ts';
import type { Protocol } from '../core/model/protocol.ts';
import { pathMeaning } from '../wire/resource-path.ts';
import { METERED_PATHS } from './call-door.ts';
import { maskedError } from './masked-error.ts';
import { pathOf } from './spoken-protocol.ts';

/** What is passed through, and to whom. @internal */
export interface PassThroughOptions {
  readonly rules: readonly PassThroughConfig[];
  readonly providers: readonly ProviderConfig[];
  readonly random: Random;
  /** Closed with what it limits. */
  readonly limiter: Pick<CallLimiter, 'admit' | 'close'>;
  /** For how long the provider may be silent, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** A request on its way to a provider. @internal */
export interface PassedRequest {
  /** Path and query, as the client asked. */
  readonly url: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Streamed, or read already. @defaultValue none */
  readonly body?: IncomingMessage | Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** What a provider answered. Its body must be read or destroyed. @internal */
export interface PassedReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Readable;
}

/** Headers that describe the body of a request. @internal */
export const BODY_HEADERS = [
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-range',
  'content-type',
] as const;

/**
 * Headers that go on: they describe the body, the wish and the client. All others stay here, unknown ones too: they may speak of the gateway's
 * connection or caller, and some servers and gateways let a header choose another address, path, method or account (`x-original-url`,
 * `x-http-method-override`, `x-portkey-custom-host`, `openai-organization`). What a provider needs beyond them is set in its `headers`.
 */
const PASSED: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'anthropic-beta',
  'anthropic-version',
  ...BODY_HEADERS,
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'openai-beta',
  'range',
  'user-agent',
  'x-client-request-id',
]);

/**
 * A path that could mean another one to whoever reads it next: dot segments, empty segments, parameters of segments (`..;`), encoded or
 * turned slashes, encoded control characters, percent signs and semicolons.
 */
const AMBIGUOUS_PATH = /\/\.{1,2}(?:[^\w.-]|$)|\/\/|[\\#;]|%(?:[01].|2e|2f|5c|25|3b|7f)/i;

/** Sends requests on as they are, to providers and under credentials that the configuration names. @internal */
export class PassThrough {
  readonly #options: PassThroughOptions;
  readonly #pools = new Map<string, Pool>();

  constructor(options: PassThroughOptions) {
    this.#options = options;
  }

  /** The active provider that gets a path; undefined for paths that are refused. */
  providerOf(path: string): ProviderConfig | undefined {
    if (AMBIGUOUS_PATH.test(path) || isMetered(path)) return undefined;
    const rule = this.#options.rules.find(({ path: pattern }) =>
      pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern,
    );
    return this.#options.providers.find(({ name, isActive }) => name === rule?.provider && isActive);
  }

  /**
   * The active provider that gets a path of batches and of their files where no rule names one: the first that speaks their protocol.
   * @param spoken - The protocol of the client, for files, which both have.
   */
  batchProviderOf(path: string, spoken: Protocol): ProviderConfig | undefined {
    if (AMBIGUOUS_PATH.test(path)) return undefined;
    const meaning = pathMeaning(path);
    const isFile = 'of' in meaning && meaning.of === 'files';
    const wanted = isFile ? spoken : batchProtocolOf(path);
    return this.#options.providers.find(({ protocol, isActive }) => isActive && protocol === wanted);
  }

  /**
   * Lets a request in. How many tokens it uses is not known, so it takes none.
   * @throws FarthingError `concurrency-limited`, `rate-limited` or `store-unavailable`.
   */
  admit(caller: Caller): Promise<Admission> {
    return this.#options.limiter.admit(caller, 0);
  }

  /**
   * Sends a request on and gives the reply as soon as its head has come; an error when all of it has, without the operator's secrets.
   * @throws FarthingError `provider-unreachable` when no reply came, `provider-broken` for an error that cannot be passed on.
   */
  async send(provider: ProviderConfig, request: PassedRequest): Promise<PassedReply> {
    const { statusCode, headers, body } = await this.#pool(provider)
      .request({
        path: this.#target(provider, request.url),
        method: request.method,
        headers: this.#headers(provider, request.headers, isKept(request.url)),
        body: request.body ?? null,
        signal: request.signal,
      })
      .catch((cause: unknown) => {
        throw new FarthingError('provider-unreachable', 'the provider cannot be reached', { retryable: true, cause });
      });
    const reply = { status: statusCode, headers: withoutUndefined(headers), body };
    return statusCode < 400 ? reply : maskedError(reply, provider);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
    await this.#options.limiter.close();
  }

  #pool(provider: ProviderConfig): Pool {
    const known = this.#pools.get(provider.name);
    if (known !== undefined) return known;
    const { idleTimeoutMs } = this.#options;
    const pool = new Pool(new URL(provider.baseUrl).origin, {
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
    });
    this.#pools.set(provider.name, pool);
    return pool;
  }

  /** Path and query at the provider. An OpenAI base ends in `/v1`, which the client's path has too. */
  #target(provider: ProviderConfig, url: string): string {
    const path = pathOf(url);
    const below = provider.protocol === 'openai' ? path.slice('/v1'.length) : path;
    const base = new URL(provider.baseUrl);
    const query = new URLSearchParams(url.slice(path.length + 1));
    for (const [name, value] of [...base.searchParams, ...Object.entries(provider.query)]) query.set(name, value);
    return `${withoutTrailing(base.pathname, '/')}${below}${query.size === 0 ? '' : `?${query.toString()}`}`;
  }

  #headers(
    provider: ProviderConfig,
    headers: IncomingHttpHeaders,
    isOfFirstKey: boolean,
  ): Record<string, string | string[]> {
    const sent: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && (PASSED.has(name) || name.startsWith('x-stainless-'))) sent[name] = value;
    }
    const keys = provider.keys.map(({ secret, weight }) => ({ key: secret, weight }));
    const key = isOfFirstKey ? keys[0]?.key : chooseWeighted(keys, this.#options.random);
    if (key !== undefined)
      Object.assign(
        sent,
        provider.protocol === 'anthropic' ? { 'x-api-key': key } : { authorization: `Bearer ${key}` },
      );
    // Uncompressed, so that an error can be looked into.
    return { ...sent, 'accept-encoding': 'identity', ...provider.headers };
  }
}

/** Whether a request is about something that a provider keeps: what one key's account holds no other can read. */
function isKept(url: string): boolean {
  const { kind } = pathMeaning(pathOf(url));
  return kind !== 'other' && kind !== 'unreadable';
}

/** The protocol that has batches under a path; undefined: it has none. Files of results are batches' of OpenAI. @internal */
export function batchProtocolOf(path: string): Protocol | undefined {
  const meaning = pathMeaning(path);
  if (!('of' in meaning)) return undefined;
  if (meaning.of === 'messages/batches') return 'anthropic';
  return meaning.of === 'batches' || meaning.of === 'files' ? 'openai' : undefined;
}

/** Whether a path is a metered endpoint's, or could be taken for one by a server that decodes, folds or trims it. */
function isMetered(path: string): boolean {
  try {
    const read = decodeURIComponent(path).normalize('NFKC').toLowerCase().trim();
    return METERED_PATHS.has(withoutTrailing(read, '/').trim());
  } catch {
    return true; // not even well-formed
  }
}

function withoutUndefined<T>(values: Readonly<Record<string, T | undefined>>): Record<string, T> {
  const kept: Record<string, T> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) kept[name] = value;
  return kept;
}
