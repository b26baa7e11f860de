import type { BucketClaim, BucketGrant, BucketTerms, LimitStore, PermitClaim } from '../../ports/limit-store.ts';
import type { RedisConnection } from './redis-connection.ts';
import { redisScript } from './redis-script.ts';

/** For how long a bucket is kept beyond its being full, and permits beyond their lease, in milliseconds: clocks of processes differ. */
const AFTERLIFE_MS = 3_600_000;

/*
 * A bucket is a hash of `units` (60,000ths of a token) and `at`, as in core/limit/token-bucket; the clock is the caller's.
 * `%.17g` keeps every bit of a number, fractions too.
 */
const BUCKET = `
local key, capacity, perMinute, now = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', key, 'units', 'at')
local units, at = capacity * 60000, now
if kept[1] then
  local elapsed = now - tonumber(kept[2])
  at = tonumber(kept[2])
  if elapsed < -600000 or elapsed > 0 then at = now end
  units = math.min(capacity * 60000, tonumber(kept[1]) + math.max(0, elapsed) * perMinute)
end
local function exact(number) return string.format('%.17g', number) end
local function keep()
  redis.call('HSET', key, 'units', exact(units), 'at', exact(at))
  local missing = capacity * 60000 - units
  if perMinute > 0 then
    redis.call('PEXPIRE', key, string.format('%.0f', math.min(1e15, math.max(0, math.ceil(missing / perMinute) + at - now) + ${AFTERLIFE_MS})))
  else
    redis.call('PERSIST', key)
  end
end
`;

const TAKE = redisScript(
  BUCKET,
  `
local want, least, floor = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local missing = (least + floor) * 60000 - units
if missing > 0 then
  keep()
  if least + floor > capacity or perMinute <= 0 then return {'0', 'never'} end
  return {'0', exact(math.ceil(missing / perMinute) + math.max(0, at - now))}
end
local granted = math.min(want, math.max(least, math.floor(units / 60000 - floor)))
units = units - granted * 60000
keep()
return {exact(granted), '0'}
`,
);

const CORRECT = redisScript(
  BUCKET,
  `
units = math.min(capacity * 60000, units + tonumber(ARGV[4]) * 60000)
keep()
return 1
`,
);

/** Permits are a hash of `count;until` by owner, as in core/limit/permits. */
const HOLD = redisScript(`
local key, owner, count, limit, lease, now = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local rows = redis.call('HGETALL', key)
local own, others = 0, 0
for index = 1, #rows, 2 do
  local held, ends = string.match(rows[index + 1], '^([^;]*);(.*)$')
  if tonumber(ends) <= now then redis.call('HDEL', key, rows[index])
  elseif rows[index] == owner then own = tonumber(held)
  else others = others + tonumber(held) end
end
local result = count
if count > own then result = math.max(own, math.min(count, limit - others)) end
if result <= 0 then
  redis.call('HDEL', key, owner)
else
  redis.call('HSET', key, owner, string.format('%.0f;%.0f', result, now + lease))
  local life = lease + ${AFTERLIFE_MS}
  if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, string.format('%.0f', life)) end
end
return string.format('%.0f', math.max(0, result))
`);

/**
 * Rates and caps that processes share through Redis, one script and one key an operation. A flush or a failover forgets them: what was taken
 * in the last minute may then be taken again, and permits are held again when their owners next claim them.
 * Closing the store does not close the connection, which others share.
 * @public
 */
export class RedisLimitStore implements LimitStore {
  readonly #connection: RedisConnection;

  constructor(options: { readonly connection: RedisConnection }) {
    this.#connection = options.connection;
  }

  async take(bucket: string, terms: BucketTerms, claim: BucketClaim): Promise<BucketGrant> {
    const args = [terms.capacity, terms.perMinute, claim.nowMs, claim.want, claim.least, claim.floor ?? 0];
    const answer = await this.#connection.script(TAKE, this.#keys('tb', bucket), ...args);
    const [granted, waitMs] = (answer as readonly unknown[]).map(String);
    return { granted: Number(granted), waitMs: waitMs === 'never' ? Number.POSITIVE_INFINITY : Number(waitMs) };
  }

  async correct(bucket: string, terms: BucketTerms, amount: number, nowMs: number): Promise<void> {
    const args = [terms.capacity, terms.perMinute, nowMs, amount];
    await this.#connection.script(CORRECT, this.#keys('tb', bucket), ...args);
  }

  async hold(permit: string, claim: PermitClaim): Promise<number> {
    const args = [claim.ownerId, claim.count, claim.limit, claim.leaseMs, claim.nowMs];
    return Number(await this.#connection.script(HOLD, this.#keys('tp', permit), ...args));
  }

  async close(): Promise<void> {
    // The connection belongs to whoever opened it.
  }

  #keys(kind: 'tb' | 'tp', name: string): readonly string[] {
    return [`${this.#connection.keyPrefix}${kind}:{${encodeURIComponent(name)}}`];
  }
}
