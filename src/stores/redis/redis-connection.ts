import { FarthingError } from '../../core/errors.ts';
import { openIoredis } from './open-ioredis.ts';
import type { OwnedRedisClient, RedisArgument, RedisClient } from './redis-client.ts';
import type { RedisScript } from './redis-script.ts';

/** Where Redis is: an address, the nodes of a cluster, or a client that the program made (and closes). @public */
export type RedisPlace =
  | { readonly url: string }
  | { readonly clusterUrls: readonly string[] }
  | { readonly client: RedisClient };

/** Options of {@link RedisConnection}. @public */
export type RedisConnectionOptions = RedisPlace & {
  /**
   * After this time a command is taken for failed, in milliseconds; whether it took place is open.
   * @defaultValue 500
   */
  readonly timeoutMs?: number;
  /** What all keys begin with. Braces are not allowed. @defaultValue 'farthing:' */
  readonly keyPrefix?: string;
};

/** For how long a command may take by default, in milliseconds. */
const REDIS_TIMEOUT_MS = 500;

/** What a command gets on top when its time is over, in milliseconds: a turn of the event loop. */
const GRACE_MS = 20;

/** Most commands that wait for their answers; further ones fail at once, so that a Redis that hangs does not fill the memory. */
const MAX_PENDING = 20_000;

/**
 * A Redis that stores share. A command that fails, or takes too long, fails as `store-unavailable`; while Redis is away they all do, at once.
 * @example
 * ```ts
 * const redis = await RedisConnection.open({ url: 'redis://127.0.0.1:6379' });
 * const store = new RedisCacheStore({ connection: redis, clock });
 * ```
 * @public
 */
export class RedisConnection {
  /** What all keys begin with. */
  readonly keyPrefix: string;
  readonly #client: RedisClient;
  readonly #owned: OwnedRedisClient | undefined;
  readonly #timeoutMs: number;
  #pending = 0;
  #isClosed = false;

  /**
   * Makes a connection. Redis need not be there yet: commands fail until it is.
   * @throws FarthingError `configuration` when ioredis is needed and not installed.
   */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const timeoutMs = options.timeoutMs ?? REDIS_TIMEOUT_MS;
    if ('client' in options) return new RedisConnection(options, options.client, undefined);
    const client = await openIoredis(options, timeoutMs);
    return new RedisConnection(options, client, client);
  }

  private constructor(options: RedisConnectionOptions, client: RedisClient, owned: OwnedRedisClient | undefined) {
    this.keyPrefix = options.keyPrefix ?? 'farthing:';
    if (/[{}]/.test(this.keyPrefix)) throw new RangeError('a key prefix has no braces: they decide on cluster slots');
    this.#client = client;
    this.#owned = owned;
    this.#timeoutMs = options.timeoutMs ?? REDIS_TIMEOUT_MS;
  }

  /** Runs a command, answers as text. @internal */
  command(name: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.#run(() => this.#client.call(name, ...args));
  }

  /** Reads fields of a hash, as bytes. @internal */
  fields(key: string, ...names: string[]): Promise<readonly (Buffer | null)[]> {
    return this.#run(() => this.#client.hmgetBuffer(key, ...names));
  }

  /** Runs a script on keys of one slot. @internal */
  script(script: RedisScript, keys: readonly string[], ...args: RedisArgument[]): Promise<unknown> {
    return this.#run(async () => {
      try {
        return await this.#client.call('EVALSHA', script.sha1, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return this.#client.call('EVAL', script.lua, keys.length, ...keys, ...args);
      }
    });
  }

  /** Closes the connection, unless the program made the client. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#owned?.close();
  }

  async #run<T>(send: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw unavailable('the connection to Redis is closed');
    if (this.#pending >= MAX_PENDING) throw unavailable('too many commands wait for Redis');
    this.#pending += 1;
    try {
      return await this.#inTime(send);
    } catch (error) {
      throw redisFault(error);
    } finally {
      this.#pending -= 1;
    }
  }

  #inTime<T>(send: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let timer = setTimeout(() => {
        // A process that was busy itself has still to read what came meanwhile.
        timer = setTimeout(() => reject(unavailable('Redis did not answer in time')), GRACE_MS);
      }, this.#timeoutMs);
      const owned = this.#owned;
      const sent = owned === undefined || owned.isReady() ? send() : owned.ready().then(send);
      sent.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

function unavailable(message: string, cause?: unknown): FarthingError {
  return new FarthingError('store-unavailable', message, { retryable: true, cause });
}

/** Redis's messages may quote arguments: only their first word, the code, goes into ours. */
function redisFault(error: unknown): FarthingError {
  if (error instanceof FarthingError) return error;
  const code = error instanceof Error ? /^[A-Z]{3,}\b/.exec(error.message)?.[0] : undefined;
  return unavailable(code === undefined ? 'Redis cannot be reached' : `Redis answered ${code}`, error);
}
