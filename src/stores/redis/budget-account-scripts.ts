import { type RedisScript, redisScript } from './redis-script.ts';

/*
 * An account is one hash:
 *   run, birth, live     the server's run that it was made in; its own mark; whether it was registered, so that money may be given
 *   reborn               whether an earlier account of this name expired: owners that come back are not taken for a loss
 *   floor, pressure      as in AccountState
 *   base, alerts, folded as in AccountState, as `name=number,name=number`
 *   held                 the sum of all slices
 *   sums                 by bucket: what base and owners have in it together, and how many of them have something: `bucket=sum:count`
 *   o:<owner>            sequence;held;settled
 * The sums make an exchange cost the same however many owners there are. Names are percent-encoded: no `=`, `,`, `;` or `:`.
 * Numbers are written whole (`%.0f`): Lua's own way would round them to 14 digits.
 */
const COMMON = `
local function run() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') end
local function whole(number) return string.format('%.0f', number) end
local function amounts(text)
  local map = {}
  for name, amount in string.gmatch(text or '', '([^=,]+)=([^,]+)') do map[name] = tonumber(amount) end
  return map
end
local function text(map)
  local parts = {}
  for name, amount in pairs(map) do parts[#parts + 1] = name .. '=' .. whole(amount) end
  return table.concat(parts, ',')
end
local function within(map, floor)
  local kept = {}
  for bucket, amount in pairs(map) do if tonumber(bucket) >= floor then kept[bucket] = amount end end
  return kept
end
local function sumsOf(text)
  local sums, counts = {}, {}
  for bucket, sum, count in string.gmatch(text or '', '([^=,]+)=([^:]+):([^,]+)') do
    sums[bucket], counts[bucket] = tonumber(sum), tonumber(count)
  end
  return sums, counts
end
local function change(sums, counts, bucket, before, after)
  sums[bucket] = (sums[bucket] or 0) - before + after
  local count = counts[bucket] or 0
  if before > 0 then count = count - 1 end
  if after > 0 then count = count + 1 end
  counts[bucket] = count
end
local function sumsText(sums, counts, floor)
  local parts = {}
  for bucket, sum in pairs(sums) do
    if tonumber(bucket) >= floor and (sum ~= 0 or counts[bucket] ~= 0) then
      parts[#parts + 1] = bucket .. '=' .. whole(sum) .. ':' .. whole(counts[bucket])
    end
  end
  return table.concat(parts, ',')
end
local function share(row)
  if not row then return nil, 0, {} end
  local sequence, held, settled = string.match(row, '^([^;]*);([^;]*);(.*)$')
  return tonumber(sequence), tonumber(held), amounts(settled)
end
local key, MOST = KEYS[1], 9007199254740991
`;

/** Of what is left an owner gets at the most a quarter beyond its need; a refusal counts as pressure for five seconds: as in `exchange`. */
const EXCHANGE = `
local owner, sequence, acknowledged, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local bucket, limit, hard = ARGV[6], tonumber(ARGV[7]), ARGV[8] == '1'
local keep, needed, wish = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local state = redis.call('HMGET', key, 'run', 'live', 'reborn', 'floor', 'pressure', 'base', 'held', 'sums', 'alerts', 'folded', 'o:' .. owner)
if not state[2] then return {'absent'} end
if state[1] ~= run() then return {'lost'} end
if amounts(state[10])[owner] then return {'fenced'} end
local last, oldHeld, oldSettled = share(state[11])
if not last and state[3] == '1' then acknowledged = 0 end
if (last or 0) < acknowledged then return {'lost'} end
if sequence <= (last or 0) then return {'superseded'} end

local oldFloor = tonumber(state[4])
local floor = math.max(oldFloor, tonumber(ARGV[5]))
local settled = within(amounts(ARGV[12]), floor)
local sums, counts = sumsOf(state[8])
for each, amount in pairs(oldSettled) do change(sums, counts, each, amount, 0) end
for each, amount in pairs(settled) do change(sums, counts, each, 0, amount) end
local used, oldest = 0, nil
for each, sum in pairs(sums) do
  local number = tonumber(each)
  if number >= floor then
    used = used + sum
    if counts[each] > 0 and (not oldest or number < oldest) then oldest = number end
  end
end
used = math.min(used, MOST)
local others = tonumber(state[7]) - oldHeld

local pressure, held, granted = tonumber(state[5]), 0, true
if hard and oldFloor > tonumber(ARGV[15]) then
  held, granted = keep, needed == 0
elseif hard then
  local available = limit - used - others - keep
  if needed > 0 and needed > available then
    held, granted = keep, false
  else
    local extra = 0
    if now >= pressure then extra = math.min(wish, math.floor(math.max(0, available - needed) / 4)) end
    held = keep + needed + extra
  end
  if not granted then pressure = math.max(pressure, now + 5000) end
end

local alerts, crossed = amounts(state[9]), {}
for ratio in string.gmatch(ARGV[13], '[^,]+') do
  local fired = alerts[ratio]
  if not (fired and fired >= floor) and used >= tonumber(ratio) * limit then crossed[#crossed + 1] = ratio end
end

redis.call('HSET', key, 'floor', whole(floor), 'pressure', whole(pressure), 'held', whole(others + held),
  'sums', sumsText(sums, counts, floor), 'o:' .. owner, whole(sequence) .. ';' .. whole(held) .. ';' .. text(settled))
if floor ~= oldFloor and state[6] and state[6] ~= '' then redis.call('HSET', key, 'base', text(within(amounts(state[6]), floor))) end
if #crossed > 0 then
  for _, ratio in ipairs(crossed) do alerts[ratio] = tonumber(bucket) end
  redis.call('HSET', key, 'alerts', text(alerts))
end

local left, renew = redis.call('PTTL', key), '0'
if ARGV[14] == '' then
  if left >= 0 then renew = '1' end
elseif left < tonumber(ARGV[14]) / 2 then renew = '1' end
return {'held', whole(held), granted and '1' or '0', whole(used), whole(others), now < pressure and '1' or '0',
  table.concat(crossed, ','), oldest and whole(oldest) or '', renew}
`;

/** Owners that were folded more than seven days ago are forgotten: as in `foldOwner`. */
const FOLD = `
local owner, totals, now = ARGV[1], amounts(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', key, 'run', 'live', 'floor', 'base', 'held', 'sums', 'folded', 'o:' .. owner)
if not state[2] then return 'absent' end
if state[1] ~= run() then return 'lost' end
local folded = amounts(state[7])
if folded[owner] then return 'done' end
local floor = tonumber(state[3])
local _, held, settled = share(state[8])
local sums, counts = sumsOf(state[6])
for bucket, amount in pairs(settled) do change(sums, counts, bucket, amount, 0) end
local base = amounts(state[4])
for bucket, amount in pairs(within(totals, floor)) do
  local before = base[bucket] or 0
  local after = math.min(before + amount, MOST)
  change(sums, counts, bucket, before, after)
  base[bucket] = after
end
for each, at in pairs(folded) do if at <= now - 604800000 then folded[each] = nil end end
folded[owner] = now
redis.call('HDEL', key, 'o:' .. owner)
redis.call('HSET', key, 'base', text(base), 'folded', text(folded), 'held', whole(tonumber(state[5]) - held),
  'sums', sumsText(sums, counts, floor))
return 'done'
`;

const ADJUST = `
local state = redis.call('HMGET', key, 'run', 'live', 'floor', 'base', 'sums')
if not state[2] then return 'absent' end
if state[1] ~= run() then return 'lost' end
local floor = tonumber(state[3])
local sums, counts = sumsOf(state[5])
local base = amounts(state[4])
for bucket, amount in pairs(within(amounts(ARGV[1]), floor)) do
  local before = base[bucket] or 0
  local after = math.min(before + amount, MOST)
  change(sums, counts, bucket, before, after)
  base[bucket] = after
end
redis.call('HSET', key, 'base', text(base), 'sums', sumsText(sums, counts, floor))
return 'done'
`;

const INSTALL = `
local state = redis.call('HMGET', key, 'run', 'live', 'floor', 'base', 'sums')
if not state[2] then return 'absent' end
if state[1] ~= run() then return 'lost' end
local floor = tonumber(state[3])
local base = within(amounts(ARGV[1]), floor)
local sums, counts = sumsOf(state[5])
for bucket, amount in pairs(amounts(state[4])) do change(sums, counts, bucket, amount, 0) end
for bucket, amount in pairs(base) do change(sums, counts, bucket, 0, amount) end
redis.call('HSET', key, 'base', text(base), 'sums', sumsText(sums, counts, floor))
return 'done'
`;

/** Makes an account that gives no money yet, and says under which mark. */
const CREATE = `
local state = redis.call('HMGET', key, 'run', 'birth', 'live')
if state[2] and state[1] == run() then return state[2] end
if state[3] then return 'lost' end
local time = redis.call('TIME')
local birth = time[1] .. '.' .. time[2]
redis.call('DEL', key)
redis.call('HSET', key, 'run', run(), 'birth', birth, 'floor', '-9007199254740991', 'pressure', '0', 'held', '0')
if ARGV[1] ~= '' then redis.call('PEXPIRE', key, ARGV[1]) end
return birth
`;

/** Lets an account that was registered give money; makes it again when it expired meanwhile, which lost nothing. */
const ENLIVEN = `
local birth = redis.call('HGET', key, 'birth')
if birth and birth ~= ARGV[1] then return 0 end
if not birth then
  redis.call('HSET', key, 'run', run(), 'birth', ARGV[1], 'floor', '-9007199254740991', 'pressure', '0', 'held', '0')
end
redis.call('HSET', key, 'live', '1', 'reborn', ARGV[2])
if ARGV[3] == '' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ARGV[3]) end
return 1
`;

/** Takes an account away that was made and found no room. */
const ABANDON = `
local state = redis.call('HMGET', key, 'birth', 'live')
if state[1] == ARGV[1] and not state[2] then redis.call('DEL', key) end
return 1
`;

/** What is done to one account, each in one slot. @internal */
export const ACCOUNT_SCRIPTS: Readonly<
  Record<'exchange' | 'fold' | 'adjust' | 'install' | 'create' | 'enliven' | 'abandon', RedisScript>
> = {
  exchange: redisScript(COMMON, EXCHANGE),
  fold: redisScript(COMMON, FOLD),
  adjust: redisScript(COMMON, ADJUST),
  install: redisScript(COMMON, INSTALL),
  create: redisScript(COMMON, CREATE),
  enliven: redisScript(COMMON, ENLIVEN),
  abandon: redisScript(COMMON, ABANDON),
};
