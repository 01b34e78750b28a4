// The scripts that run inside the store: each is one atomic step over the keys of one group, which lie in one hash slot.

/*
 * Keys of a group G (`{G}` is the hash tag of a cluster):
 *   lk:{G}:r:ID       hash     one reservation: n (entries), until (end of the hold, or "settled"), and per entry i
 *                              c<i> counter, l<i> 1 for a lifetime, v<i> cost, a<i> time, e<i> expiry
 *   lk:{G}:w:COUNTER  zset     what counts in windows: members ID:i:cost by time
 *   lk:{G}:t:COUNTER  string   the sum of those costs, or of a lifetime
 *   lk:{G}:h          zset     reservations that are held, by the end of their hold
 *   lk:{G}:s          zset     settled reservations, by the first expiry among their entries
 * Every key expires by itself some time after the last entry that needs it, so that nothing is left of a group nobody asks for.
 *
 * Numbers go through %.0f: a store's own conversion of numbers above 10^14 would round them.
 */
const COMMON = `
local P = KEYS[1]
local SLACK = 3600000
local function num(n) return string.format('%.0f', n) end
local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, num(ms)) end
end
local function add(counter, by)
  local key = P .. 't:' .. counter
  local sum = tonumber(redis.call('GET', key) or '0') + by
  local ttl = redis.call('PTTL', key)
  if sum == 0 then redis.call('DEL', key)
  elseif ttl > 0 then redis.call('SET', key, num(sum), 'PX', num(ttl))
  else redis.call('SET', key, num(sum)) end
end
local function read(id)
  local flat = redis.call('HGETALL', P .. 'r:' .. id)
  if #flat == 0 then return nil end
  local r = {}
  for i = 1, #flat, 2 do r[flat[i]] = flat[i + 1] end
  return r
end
local function member(id, i, cost) return id .. ':' .. i .. ':' .. num(cost) end
local function drop(id, r, i)
  local cost = tonumber(r['v' .. i])
  if r['l' .. i] == '1' then add(r['c' .. i], -cost)
  elseif redis.call('ZREM', P .. 'w:' .. r['c' .. i], member(id, i, cost)) == 1 then add(r['c' .. i], -cost) end
end
local function release(id)
  local r = read(id)
  redis.call('ZREM', P .. 'h', id)
  redis.call('ZREM', P .. 's', id)
  if r == nil then return 0 end
  for i = 1, tonumber(r.n) do if r['v' .. i] then drop(id, r, i) end end
  redis.call('DEL', P .. 'r:' .. id)
  return 1
end
local function returnLapsed(now)
  local count = 0
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'h', '-inf', num(now), 'LIMIT', 0, 1000)) do
    count = count + release(id)
  end
  return count
end
`;

/**
 * ARGV: now or empty, hold (0 settles at once), id, then per charge: counter, limit, window (-1 for a lifetime), cost, least, life.
 * Answers `ok` with what each charge took, or `no`, the charge's number, what is used, and the wait or -1.
 */
export const RESERVE = `${COMMON}
local now, hold, id = clock(), tonumber(ARGV[2]), ARGV[3]
returnLapsed(now)
local taken, costs, longest = {}, {}, hold
local function sum(counter, window)
  local total = tonumber(redis.call('GET', P .. 't:' .. counter) or '0')
  if window < 0 then return total end
  local key = P .. 'w:' .. counter
  -- A clock may run back a little, so what has left the window is forgotten a second later and subtracted until then.
  local stale = redis.call('ZRANGEBYSCORE', key, '-inf', num(now - window))
  for _, entry in ipairs(stale) do total = total - tonumber(string.match(entry, ':(%d+)$')) end
  local gone = redis.call('ZRANGEBYSCORE', key, '-inf', num(now - window - 1000))
  if #gone > 0 then
    local forgotten = 0
    for _, entry in ipairs(gone) do forgotten = forgotten + tonumber(string.match(entry, ':(%d+)$')) end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', num(now - window - 1000))
    add(counter, -forgotten)
  end
  return total
end
local function wait(counter, window, limit, used, least)
  if window < 0 then return -1 end
  local left, offset = used, 0
  while true do
    local page = redis.call('ZRANGEBYSCORE', P .. 'w:' .. counter, '(' .. num(now - window), '+inf', 'WITHSCORES', 'LIMIT', offset, 200)
    for i = 1, #page, 2 do
      left = left - tonumber(string.match(page[i], ':(%d+)$'))
      if left + least <= limit then return tonumber(page[i + 1]) + window - now end
    end
    if #page < 400 then return -1 end
    offset = offset + 200
  end
end
local n = (#ARGV - 3) / 6
for i = 1, n do
  local at = 3 + (i - 1) * 6
  local counter, limit, window = ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local cost, least = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local used = sum(counter, window)
  local fitting = math.min(cost, math.max(0, limit - used - (taken[counter] or 0)))
  if not (fitting >= least) then
    return { 'no', num(i), num(used), num(wait(counter, window, limit, used, least)) }
  end
  taken[counter] = (taken[counter] or 0) + fitting
  costs[i] = fitting
end
local answer, reservation = { 'ok' }, { 'n', num(n), 'until', hold == 0 and 'settled' or num(now + hold) }
local first
for i = 1, n do
  local at = 3 + (i - 1) * 6
  local counter, window, life = ARGV[at + 1], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 6])
  local cost = costs[i]
  answer[i + 1] = num(cost)
  local lasting = math.max(hold, life) + SLACK
  longest = math.max(longest, lasting)
  if first == nil or life < first then first = life end
  for _, field in ipairs({ 'c' .. num(i), counter, 'l' .. num(i), window < 0 and '1' or '0', 'v' .. num(i), num(cost),
    'a' .. num(i), num(now), 'e' .. num(i), num(now + life) }) do reservation[#reservation + 1] = field end
  if window >= 0 then
    redis.call('ZADD', P .. 'w:' .. counter, num(now), member(id, num(i), cost))
    keep(P .. 'w:' .. counter, lasting)
  end
  add(counter, cost)
  if cost ~= 0 then keep(P .. 't:' .. counter, lasting) end
end
redis.call('HSET', P .. 'r:' .. id, unpack(reservation))
redis.call('PEXPIRE', P .. 'r:' .. id, num(longest))
if hold == 0 then
  redis.call('ZADD', P .. 's', num(now + first), id)
  keep(P .. 's', longest)
else
  redis.call('ZADD', P .. 'h', num(now + hold), id)
  keep(P .. 'h', longest)
end
return answer
`;

/** ARGV: unused, id, then per counter: counter, cost. */
export const SETTLE = `${COMMON}
local id = ARGV[2]
local r = read(id)
if r == nil or r['until'] == 'settled' then return 0 end
local actual = {}
for i = 3, #ARGV, 2 do actual[ARGV[i]] = math.max(0, tonumber(ARGV[i + 1])) end
local first
for i = 1, tonumber(r.n) do
  local counter, held = r['c' .. i], tonumber(r['v' .. i])
  local left = actual[counter]
  if left ~= nil then
    local cost = math.min(held, left)
    actual[counter] = left - cost
    if cost ~= held then
      if r['l' .. i] == '1' then add(counter, cost - held)
      elseif redis.call('ZREM', P .. 'w:' .. counter, member(id, i, held)) == 1 then
        redis.call('ZADD', P .. 'w:' .. counter, r['a' .. i], member(id, i, cost))
        add(counter, cost - held)
      end
      redis.call('HSET', P .. 'r:' .. id, 'v' .. i, num(cost))
    end
  end
  local expiry = tonumber(r['e' .. i])
  if first == nil or expiry < first then first = expiry end
end
redis.call('HSET', P .. 'r:' .. id, 'until', 'settled')
redis.call('ZREM', P .. 'h', id)
redis.call('ZADD', P .. 's', num(first), id)
keep(P .. 's', redis.call('PTTL', P .. 'r:' .. id))
return 1
`;

/** ARGV: unused, id. */
export const RELEASE = `${COMMON}
return release(ARGV[2])
`;

/** ARGV: now or empty. Answers how many holds were given back, and whether there is more to do. */
export const SWEEP = `${COMMON}
local now = clock()
local returned = returnLapsed(now)
local settled = redis.call('ZRANGEBYSCORE', P .. 's', '-inf', num(now), 'LIMIT', 0, 200)
for _, id in ipairs(settled) do
  local r = read(id)
  if r == nil then redis.call('ZREM', P .. 's', id)
  else
    local first
    for i = 1, tonumber(r.n) do
      if r['v' .. i] then
        local expiry = tonumber(r['e' .. i])
        if expiry <= now then
          drop(id, r, i)
          redis.call('HDEL', P .. 'r:' .. id, 'v' .. i)
        elseif first == nil or expiry < first then first = expiry end
      end
    end
    if first == nil then
      redis.call('DEL', P .. 'r:' .. id)
      redis.call('ZREM', P .. 's', id)
    else redis.call('ZADD', P .. 's', num(first), id) end
  end
end
return { returned, (#settled == 200 or returned == 1000) and 1 or 0 }
`;
