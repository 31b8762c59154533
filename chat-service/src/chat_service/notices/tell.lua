-- Adds notices to the streams of their users, of those that are watched, and publishes what it added.
--
-- KEYS     the stream of each notice's user: <log>-<number> are its ids, numbers without gap
-- ARGV     the channel, how many entries a stream keeps, then user and data of each notice
--
-- Returns how many were added. A stream that is not there is made by watch.lua alone.
local added = {}
for i, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'stream' then
    local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1][1]
    local log, number = string.match(newest, '^(%d+)-(%d+)$')
    local id = log .. '-' .. string.format('%d', tonumber(number) + 1)
    local data = ARGV[2 * i + 2]
    redis.call('XADD', key, 'MAXLEN', ARGV[2], id, 'd', data)
    added[#added + 1] = {ARGV[2 * i + 1], id, data}
  end
end
if #added > 0 then
  redis.call('PUBLISH', ARGV[1], cjson.encode(added))
end
return #added
