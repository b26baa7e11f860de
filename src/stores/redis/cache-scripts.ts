import { type RedisScript, redisScript } from './redis-script.ts';

/*
 * A shard is what keys with the same two first digits have in common: one slot. It has
 *   the entries    hashes: b the blob, t the mark of the index it was entered into, i the selectors that choose it (16 characters each)
 *   the index      a sorted set of `<selector><rest of the key>`, all of score 0, and '' with the mark as negative score: found by prefix
 *   the ends       a sorted set of `<rest of the key><selectors>` by the time when the entry expires: cleans the index of what has expired
 * Redis may evict any of them. An entry whose index is gone, or is another, is not given: a delete could not find it.
 */
const COMMON = `
local SELECTOR, REST = 16, 62
local function unlist(rest, selectors, index, ends)
  for start = 1, #selectors, SELECTOR do
    redis.call('ZREM', index, string.sub(selectors, start, start + SELECTOR - 1) .. rest)
  end
  redis.call('ZREM', ends, rest .. selectors)
end
`;

/** KEYS: entry, index, ends. ARGV: blob, life in ms, rest of the key, selectors, prefix of the shard's entries. */
const WRITE = `
local key, index, ends = KEYS[1], KEYS[2], KEYS[3]
local life, rest, selectors = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now - 1000, 'LIMIT', 0, 8)) do
  unlist(string.sub(gone, 1, REST), string.sub(gone, REST + 1), index, ends)
end
local old = redis.call('HGET', key, 'i')
if old and old ~= selectors then unlist(rest, old, index, ends) end
local mark = redis.call('ZSCORE', index, '')
if not mark then
  redis.call('ZADD', index, '-' .. time[1] .. string.format('%06d', time[2]), '')
  mark = redis.call('ZSCORE', index, '')
end
for start = 1, #selectors, SELECTOR do
  redis.call('ZADD', index, 0, string.sub(selectors, start, start + SELECTOR - 1) .. rest)
end
redis.call('HSET', key, 'b', ARGV[1], 't', mark, 'i', selectors)
redis.call('PEXPIRE', key, ARGV[2])
redis.call('ZADD', ends, now + life, rest .. selectors)
for _, list in ipairs({index, ends}) do
  if redis.call('PTTL', list) < life + 60000 then redis.call('PEXPIRE', list, string.format('%.0f', life + 120000)) end
end
return 1
`;

/** KEYS: entry, index, ends. ARGV: rest of the key. */
const REMOVE = `
local state = redis.call('HMGET', KEYS[1], 'i', 't')
if not state[1] then return 0 end
redis.call('DEL', KEYS[1])
local isKnown = redis.call('ZSCORE', KEYS[2], '') == state[2]
unlist(ARGV[1], state[1], KEYS[2], KEYS[3])
return isKnown and 1 or 0
`;

/**
 * KEYS: index, ends. ARGV: prefix of the shard's entries, selector to look up or '' for all, further selector or '', how many, member to go on after or ''.
 * Answers how many were removed and the member to go on after; '' at the end.
 */
const REMOVE_MATCHING = `
local index, ends = KEYS[1], KEYS[2]
local prefix, selector, further, most, after = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local low = after ~= '' and '(' .. after or '[' .. selector
if low == '[' then low = '(' end
local high = selector == '' and '+' or '[' .. selector .. '\\255'
local members = redis.call('ZRANGEBYLEX', index, low, high, 'LIMIT', 0, most)
local removed = 0
for _, member in ipairs(members) do
  local rest = string.sub(member, SELECTOR + 1)
  if further == '' or redis.call('ZSCORE', index, further .. rest) then
    local selectors = redis.call('HGET', prefix .. rest, 'i')
    if selectors then
      redis.call('DEL', prefix .. rest)
      unlist(rest, selectors, index, ends)
      removed = removed + 1
    end
    redis.call('ZREM', index, member)
  end
end
return {removed, #members == most and members[#members] or ''}
`;

/** What is done to a shard of the cache. @internal */
export const CACHE_SCRIPTS: Readonly<Record<'write' | 'remove' | 'removeMatching', RedisScript>> = {
  write: redisScript(COMMON, WRITE),
  remove: redisScript(COMMON, REMOVE),
  removeMatching: redisScript(COMMON, REMOVE_MATCHING),
};
