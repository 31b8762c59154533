-- Ends the streams of users of whom notices were lost, and publishes that.
--
-- What is told before somebody has looked, and so made another, is left out: they read again behind it.
--
-- KEYS     the users' streams
-- ARGV     the channel, then each user
local ended = {}
for i, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'stream' then
    redis.call('DEL', key)
    ended[#ended + 1] = {ARGV[i + 1], '', ''}
  end
end
if #ended > 0 then
  redis.call('PUBLISH', ARGV[1], cjson.encode(ended))
end
return #ended
