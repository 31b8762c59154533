-- Where the notices of a user stand, and those behind a place; keeps their stream, or makes it.
--
-- KEYS     the user's stream
-- ARGV     the place, <log>-<number>, or '' for whoever has seen nothing; the log of a stream that
--          has to be made; seconds for which the stream is kept
--
-- Returns
--   {'BEHIND', newest, entries}  all that is behind the place
--   {'BEGIN', newest}            it was ''
--   {'UNKNOWN', newest}          what is behind the place is not known, at least not all of it
--   {'ERASED'}                   the user is gone
local key, after = KEYS[1], ARGV[1]
local kind = redis.call('TYPE', key).ok
if kind == 'none' then
  redis.call('XADD', key, ARGV[2] .. '-1', 'd', '')
elseif kind ~= 'stream' then
  return {'ERASED'}
end
redis.call('EXPIRE', key, ARGV[3])
local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1][1]
if after == '' then
  return {'BEGIN', newest}
end
local log, number = string.match(newest, '^(%d+)-(%d+)$')
local seen_log, seen = string.match(after, '^(%d+)-(%d+)$')
if seen_log ~= log or tonumber(seen) > tonumber(number) then
  return {'UNKNOWN', newest}
end
local oldest = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1][1]
if tonumber(seen) < tonumber(string.match(oldest, '-(%d+)$')) - 1 or tonumber(seen) < 1 then
  return {'UNKNOWN', newest}
end
return {'BEHIND', newest, redis.call('XRANGE', key, '(' .. after, '+')}
