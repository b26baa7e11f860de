import { type RedisScript, redisScript } from './redis-script.ts';

/*
 * The standing is one hash: run (the server's, when the generation began), generation, phase, definitions, since,
 * o:<owner> = cut, d:<generation> = definitions of a generation whose accounts have still to be deleted.
 */
const COMMON = `
local key = KEYS[1]
local function run() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') end
local function nowMs() local time = redis.call('TIME') return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) end
-- Of a server that was started again, or took over from another, nothing is believed: what was acknowledged last may be missing.
local function generation()
  local state = redis.call('HMGET', key, 'run', 'generation')
  if state[1] and state[1] == run() then return state[2] end
  return nil
end
`;

const READ = `
if not generation() then return {} end
return redis.call('HGETALL', key)
`;

const CHECK = `
if generation() ~= ARGV[1] then return false end
return redis.call('HGET', key, 'definitions')
`;

const BEGIN = `
local memory = redis.call('INFO', 'memory')
if string.match(memory, 'maxmemory:(%d+)') ~= '0' and (string.match(memory, 'maxmemory_policy:([%w-]+)') or 'noeviction') ~= 'noeviction' then
  return 'evicting'
end
local known = generation()
if known == ARGV[1] then return redis.call('HGET', key, 'phase') == 'building' and 'begun' or 'ready' end
if (known or '') ~= ARGV[3] then return 'other' end
if known and redis.call('HGET', key, 'phase') == 'building' and nowMs() < tonumber(redis.call('HGET', key, 'since')) + tonumber(ARGV[4]) then
  return 'other'
end
local doomed = {}
local fields = redis.call('HGETALL', key)
for index = 1, #fields, 2 do
  if string.sub(fields[index], 1, 2) == 'd:' then
    doomed[#doomed + 1] = fields[index]
    doomed[#doomed + 1] = fields[index + 1]
  end
end
local old = redis.call('HMGET', key, 'generation', 'definitions')
if old[1] then
  doomed[#doomed + 1] = 'd:' .. old[1]
  doomed[#doomed + 1] = old[2]
end
redis.call('DEL', key)
redis.call('HSET', key, 'run', run(), 'generation', ARGV[1], 'phase', 'building', 'definitions', ARGV[2], 'since', string.format('%.0f', nowMs()), unpack(doomed))
return 'begun'
`;

const JOIN = `
if generation() ~= ARGV[1] then return 0 end
local isLate = redis.call('HGET', key, 'phase') == 'ready' and tonumber(ARGV[3]) > 0
if isLate and redis.call('HEXISTS', key, 'o:' .. ARGV[2]) == 0 then return 0 end
redis.call('HSET', key, 'o:' .. ARGV[2], ARGV[3])
return 1
`;

/** Accounts of earlier generations must be gone before money of this one is given out. Owners whose line nobody saw are taken off. */
const FINISH = `
if generation() ~= ARGV[1] then return 'other' end
for _, field in ipairs(redis.call('HKEYS', key)) do if string.sub(field, 1, 2) == 'd:' then return 'doomed' end end
if ARGV[2] == '1' then
  local counted = {}
  for index = 3, #ARGV do counted['o:' .. ARGV[index]] = true end
  local fields = redis.call('HGETALL', key)
  for index = 1, #fields, 2 do
    if string.sub(fields[index], 1, 2) == 'o:' and tonumber(fields[index + 1]) > 0 and not counted[fields[index]] then
      redis.call('HDEL', key, fields[index])
    end
  end
end
redis.call('HSET', key, 'phase', 'ready')
return 'done'
`;

/**
 * The register of a definition's accounts: a hash of `birth;expiry;reborn` by account, and under the empty name `run;forgotten;next`: the run
 * of the server, whether expired accounts were taken off the list, and when to look for such again. It tells an account that
 * expired or never was from one that was lost.
 */
const REGISTER = `
local account, birth, most, keep, isNamed = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'
local mark = redis.call('HGET', key, '')
if not mark then
  if isNamed then return {'lost'} end
  mark = run() .. ';0;0'
  redis.call('HSET', key, '', mark)
end
local madeIn, forgotten, nextLook = string.match(mark, '^([^;]*);([^;]*);(.*)$')
if madeIn ~= run() then return {'lost'} end
local now = nowMs()
local expiry = ''
if keep ~= '' then expiry = string.format('%.0f', now + tonumber(keep)) end
local entry = redis.call('HGET', key, account)
if entry then
  local entryBirth, entryExpiry, reborn = string.match(entry, '^([^;]*);([^;]*);(.*)$')
  if entryBirth ~= birth then
    if entryExpiry == '' or tonumber(entryExpiry) > now then return {'lost'} end
    reborn = '1'
  end
  redis.call('HSET', key, account, birth .. ';' .. expiry .. ';' .. reborn)
  return {'done', reborn}
end
if most and redis.call('HLEN', key) - 1 >= most then
  if now < tonumber(nextLook) then return {'full'} end
  local entries = redis.call('HGETALL', key)
  for index = 1, #entries, 2 do
    local entryExpiry = string.match(entries[index + 1], '^[^;]*;([^;]*);')
    if entries[index] ~= '' and entryExpiry ~= '' and tonumber(entryExpiry) + 120000 <= now then
      redis.call('HDEL', key, entries[index])
      forgotten = '1'
    end
  end
  redis.call('HSET', key, '', madeIn .. ';' .. forgotten .. ';' .. string.format('%.0f', now + 10000))
  if redis.call('HLEN', key) - 1 >= most then return {'full'} end
end
redis.call('HSET', key, account, birth .. ';' .. expiry .. ';' .. forgotten)
return {'done', forgotten}
`;

/** Puts the expiry of an account off. */
const EXTEND = `
local entry = redis.call('HGET', key, ARGV[1])
if not entry then return 0 end
local birth, _, reborn = string.match(entry, '^([^;]*);([^;]*);(.*)$')
local expiry = ''
if ARGV[2] ~= '' then expiry = string.format('%.0f', nowMs() + tonumber(ARGV[2])) end
redis.call('HSET', key, ARGV[1], birth .. ';' .. expiry .. ';' .. reborn)
return 1
`;

const OPEN_REGISTER = `
redis.call('HSETNX', key, '', run() .. ';0;0')
return 1
`;

/** What is done to the standing. @internal */
export const STANDING_SCRIPTS: Readonly<Record<'read' | 'check' | 'begin' | 'join' | 'finish', RedisScript>> = {
  read: redisScript(COMMON, READ),
  check: redisScript(COMMON, CHECK),
  begin: redisScript(COMMON, BEGIN),
  join: redisScript(COMMON, JOIN),
  finish: redisScript(COMMON, FINISH),
};

/** What is done to a register of accounts. @internal */
export const REGISTER_SCRIPTS: Readonly<Record<'open' | 'register' | 'extend', RedisScript>> = {
  open: redisScript(COMMON, OPEN_REGISTER),
  register: redisScript(COMMON, REGISTER),
  extend: redisScript(COMMON, EXTEND),
};
