import type { LeaseStore } from '../../ports/lease-store.ts';
import type { RedisConnection } from './redis-connection.ts';
import { redisScript } from './redis-script.ts';

const ACQUIRE = redisScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

const RELEASE = redisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`);

/**
 * Leases on Redis, by its clock. A failover may forget one: two then do the same work, which a lease allows.
 * Closing the store does not close the connection, which others share.
 * @public
 */
export class RedisLeaseStore implements LeaseStore {
  readonly #connection: RedisConnection;

  constructor(options: { readonly connection: RedisConnection }) {
    this.#connection = options.connection;
  }

  async acquire(name: string, holderId: string, lengthMs: number): Promise<boolean> {
    return (await this.#connection.script(ACQUIRE, this.#keys(name), holderId, Math.max(1, Math.ceil(lengthMs)))) === 1;
  }

  async release(name: string, holderId: string): Promise<void> {
    await this.#connection.script(RELEASE, this.#keys(name), holderId);
  }

  async close(): Promise<void> {
    // The connection belongs to whoever opened it.
  }

  #keys(name: string): readonly string[] {
    return [`${this.#connection.keyPrefix}l:{${encodeURIComponent(name)}}`];
  }
}
