import { checkStateNamespace, checkStateWrite, STATE_BOUNDS, stateKeyParts } from '../../core/state-bounds.ts';
import type { StateStore, StateTerms, StateWrite, StoredState } from '../../ports/state-store.ts';
import type { RedisConnection } from './redis-connection.ts';
import { redisScript } from './redis-script.ts';

/** Options of {@link RedisStateStore}. @public */
export interface RedisStateStoreOptions {
  readonly connection: RedisConnection;
  /** States of a namespace; beyond it those go that would expire first. @defaultValue 100_000 */
  readonly maxStates?: number;
}

const MAX_STATES = 100_000;

/** Names of expired states that leave the index with each write: more than it adds. */
const EXPIRED_A_WRITE = 8;

/** For how long the index of a namespace outlives its states, in milliseconds. */
const INDEX_AFTERLIFE_MS = 60_000;

/*
 * A state is a hash of `v`, the value, and `n`, the version: the time of the write in microseconds, or one more than the last. The index of a namespace is a sorted set
 * of names by the time when they expire. Both are of one slot.
 */
const NOW = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function whole(number) return string.format('%.0f', number) end
`;

/** KEYS: state, index. ARGV: value, life in ms, expected version or '', name, what keys of the namespace's states begin with, most states. */
const WRITE = redisScript(
  NOW,
  `
local key, index = KEYS[1], KEYS[2]
local life, name, prefix = tonumber(ARGV[2]), ARGV[4], ARGV[5]
local current = tonumber(redis.call('HGET', key, 'n') or '0')
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= current then return {0, whole(current)} end
local version = math.max(current + 1, tonumber(time[1]) * 1000000 + tonumber(time[2]))
redis.call('HSET', key, 'v', ARGV[1], 'n', whole(version))
redis.call('PEXPIRE', key, ARGV[2])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', now - 1000, 'LIMIT', 0, ${EXPIRED_A_WRITE})) do
  redis.call('ZREM', index, gone)
end
redis.call('ZADD', index, now + life, name)
local excess = redis.call('ZCARD', index) - tonumber(ARGV[6])
if excess > 0 then
  for _, first in ipairs(redis.call('ZRANGE', index, 0, math.min(excess, 200) - 1)) do
    redis.call('DEL', prefix .. first)
    redis.call('ZREM', index, first)
  end
end
if redis.call('PTTL', index) < life + ${INDEX_AFTERLIFE_MS} then
  redis.call('PEXPIRE', index, whole(life + ${2 * INDEX_AFTERLIFE_MS}))
end
return {1, whole(version)}
`,
);

/** KEYS: index. ARGV: what keys of the namespace's states begin with, most states, most bytes. Answers name, value, version and so on. */
const READ_ALL = redisScript(
  NOW,
  `
local found, size, states = {}, 0, 0
for _, name in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', '(' .. whole(now), 'LIMIT', 0, ARGV[2])) do
  local state = redis.call('HMGET', ARGV[1] .. name, 'v', 'n')
  if state[1] then
    size = size + #state[1]
    if size > tonumber(ARGV[3]) then break end
    for _, part in ipairs({name, state[1], state[2]}) do table.insert(found, part) end
  end
end
return found
`,
);

/** KEYS: state, index. ARGV: name. */
const REMOVE = redisScript(`
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
`);

/**
 * States on Redis, gone by its clock; a flush or an eviction forgets them. A namespace is one slot of a cluster. While Redis hangs an operation ends with the
 * connection's timeout.
 * Closing the store does not close the connection, which others share.
 * @public
 */
export class RedisStateStore implements StateStore {
  readonly #connection: RedisConnection;
  readonly #maxStates: number;

  constructor(options: RedisStateStoreOptions) {
    this.#connection = options.connection;
    this.#maxStates = options.maxStates ?? MAX_STATES;
  }

  async read(key: string): Promise<StoredState | undefined> {
    const { state } = this.#place(key);
    const [value, version] = (await this.#connection.command('HMGET', state, 'v', 'n')) as readonly (string | null)[];
    return typeof value === 'string' ? { key, value, version: Number(version) } : undefined;
  }

  async readAll(namespace: string): Promise<readonly StoredState[]> {
    checkStateNamespace(namespace);
    const { index, prefix } = this.#keysOf(namespace);
    const { maxRead, maxReadBytes } = STATE_BOUNDS;
    const answer = await this.#connection.script(READ_ALL, [index], prefix, maxRead, maxReadBytes);
    const parts = (answer as readonly unknown[]).map(String);
    return Array.from({ length: parts.length / 3 }, (_, at) => {
      const [name = '', value = '', version] = parts.slice(at * 3, at * 3 + 3);
      return { key: `${namespace}/${decodeURIComponent(name)}`, value, version: Number(version) };
    });
  }

  async write(key: string, value: string, terms: StateTerms): Promise<StateWrite> {
    const { state, index, name, prefix } = this.#place(key);
    checkStateWrite(value, terms);
    const expected = terms.expectedVersion ?? '';
    const args = [value, Math.ceil(terms.ttlMs), expected, name, prefix, this.#maxStates];
    const answer = await this.#connection.script(WRITE, [state, index], ...args);
    const [isWritten, version] = (answer as readonly unknown[]).map(Number);
    return { isWritten: isWritten === 1, version: version ?? 0 };
  }

  async remove(key: string): Promise<boolean> {
    const { state, index, name } = this.#place(key);
    return (await this.#connection.script(REMOVE, [state, index], name)) === 1;
  }

  async close(): Promise<void> {
    // The connection belongs to whoever opened it.
  }

  #place(key: string): {
    readonly state: string;
    readonly index: string;
    readonly name: string;
    readonly prefix: string;
  } {
    const parts = stateKeyParts(key);
    const { index, prefix } = this.#keysOf(parts.namespace);
    const name = encodeURIComponent(parts.name);
    return { state: `${prefix}${name}`, index, name, prefix };
  }

  #keysOf(namespace: string): { readonly index: string; readonly prefix: string } {
    const index = `${this.#connection.keyPrefix}s:{${namespace}}`;
    return { index, prefix: `${index}:` };
  }
}
