-- Looks through some of all keys for logs that never expire.
--
-- KEYS[1]  what the keys of logs look like, in their slot
-- ARGV[1]  where SCAN goes on
-- ARGV[2]  of how many keys
--
-- Returns where it goes on next, and the keys of those logs.
local step = redis.call('SCAN', ARGV[1], 'MATCH', KEYS[1], 'COUNT', ARGV[2])
local lasting = {}
for _, key in ipairs(step[2]) do
  if redis.call('TTL', key) == -1 then
    lasting[#lasting + 1] = key
  end
end
return {step[1], lasting}
