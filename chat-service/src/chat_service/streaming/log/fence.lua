-- Closes the log of one run to every owner before the given epoch.
--
-- KEYS[1]  the run's stream; an entry's id is <epoch>-<seq>
-- ARGV[1]  the new owner's epoch
--
-- The marker is an entry without a frame, under the new epoch, at the newest frame's number:
-- appends of the new owner go on behind it, appends of older ones are FENCED by it.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local last = 0
if newest[1] then
  local dash = string.find(newest[1][1], '-', 1, true)
  if tonumber(string.sub(newest[1][1], 1, dash - 1)) >= tonumber(ARGV[1]) then
    return 'OK'
  end
  last = tonumber(string.sub(newest[1][1], dash + 1))
end
redis.call('XADD', KEYS[1], ARGV[1] .. '-' .. last, 'f', '')
return 'OK'
