-- Appends frames to the log of one run, if the writer still owns it and nothing is missing.
--
-- KEYS[1]  the run's stream; an entry's id is <epoch>-<seq>
-- ARGV[1]  the writer's epoch
-- ARGV[2]  number of the first frame
-- ARGV[3]  seconds after which the log may go, 0: not yet
-- ARGV[4…] event and data of each frame
--
-- Returns {'OK', last}      all is in the log now, also when some or all of it was before
--         {'GAP', last}     the log ends at `last`: frames before ARGV[2] are missing
--         {'FENCED', epoch} a later owner has written
local epoch = tonumber(ARGV[1])
local first = tonumber(ARGV[2])
local last = 0
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if newest[1] then
  local dash = string.find(newest[1][1], '-', 1, true)
  local newest_epoch = tonumber(string.sub(newest[1][1], 1, dash - 1))
  last = tonumber(string.sub(newest[1][1], dash + 1))
  if newest_epoch > epoch then
    return {'FENCED', newest_epoch}
  end
end
if first > last + 1 then
  return {'GAP', last}
end
local seq = first
for i = 4, #ARGV, 2 do
  if seq > last then
    redis.call('XADD', KEYS[1], epoch .. '-' .. seq, 'e', ARGV[i], 'd', ARGV[i + 1])
    last = seq
  end
  seq = seq + 1
end
if ARGV[3] ~= '0' then
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return {'OK', last}
