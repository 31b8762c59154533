-- Keeps an answer, if its user's secret is still the one by which the question was looked for.
--
-- KEYS     the secret's, the user's list, the list of all, the sum of all
-- ARGV     the secret, the user, the digest, the answer, seconds for which it is kept, bytes that a user's
--          may have, bytes that all may have, and what the names of answers and of users' lists begin with
--
-- The lists have <user>|<digest>|<bytes> by the microsecond at which each expires. What has expired, and the oldest where
-- there is no room, is taken away. Returns 1 if the answer is kept.
local secret, list, all, sum = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local user, digest, answer = ARGV[2], ARGV[3], ARGV[4]
local bytes, users_bytes, all_bytes = #answer + 1024, tonumber(ARGV[6]), tonumber(ARGV[7])
local answers, lists = ARGV[8], ARGV[9]

local function parts(member)
  local whose, which, size = string.match(member, '^(.-)|(.-)|(%d+)$')
  return whose, which, tonumber(size)
end

local function drop(member)
  local whose, which, size = parts(member)
  if redis.call('ZREM', all, member) == 1 and redis.call('DECRBY', sum, size) <= 0 then
    redis.call('DEL', sum)
  end
  redis.call('ZREM', lists .. whose, member)
  redis.call('UNLINK', answers .. whose .. ':' .. which)
end

if redis.call('GET', secret) ~= ARGV[1] or ARGV[1] == '' or bytes > users_bytes then
  return 0
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for _, member in ipairs(redis.call('ZRANGEBYSCORE', all, '-inf', string.format('%.0f', now))) do
  drop(member)
end
local key = answers .. user .. ':' .. digest
if redis.call('EXISTS', key) == 1 then
  return 1
end
local had = 0
local members = redis.call('ZRANGE', list, 0, -1)
for _, member in ipairs(members) do
  local _, _, size = parts(member)
  had = had + size
end
for _, member in ipairs(members) do
  if had + bytes <= users_bytes then
    break
  end
  local _, _, size = parts(member)
  had = had - size
  drop(member)
end
while tonumber(redis.call('GET', sum) or '0') + bytes > all_bytes do
  local oldest = redis.call('ZRANGE', all, 0, 0)[1]
  if not oldest then
    return 0
  end
  drop(oldest)
end
local member = user .. '|' .. digest .. '|' .. bytes
local expires = string.format('%.0f', now + tonumber(ARGV[5]) * 1000000)
redis.call('SET', key, answer, 'EX', ARGV[5])
if redis.call('ZADD', all, expires, member) == 1 then
  redis.call('INCRBY', sum, bytes)
end
redis.call('ZADD', list, expires, member)
-- As long as the longest of what it has: an answer may have been kept when more seconds were set.
if redis.call('TTL', list) < tonumber(ARGV[5]) then
  redis.call('EXPIRE', list, ARGV[5])
end
return 1
