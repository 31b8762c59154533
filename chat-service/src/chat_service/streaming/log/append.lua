-- Appends frames to the logs of runs, each if its writer still owns it and nothing is missing.
--
-- KEYS     one stream for each run; an entry's id is <epoch>-<seq>
-- ARGV     for each key in turn:
--            the writer's epoch
--            number of the first frame
--            seconds after which the log may go, 0: not yet
--            count of frames, then event and data of each
--
-- Returns for each key
--   {'OK', last}      all is in the log now, also when some or all of it was before
--   {'GAP', last}     the log ends at `last`: frames before the first one are missing, and it is
--                     no snapshot, which stands for all before it
--   {'FENCED', epoch} a later owner has written
local function append(key, epoch, first, expiry, from, to)
  local last = 0
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
  if newest[1] then
    local dash = string.find(newest[1][1], '-', 1, true)
    local newest_epoch = tonumber(string.sub(newest[1][1], 1, dash - 1))
    last = tonumber(string.sub(newest[1][1], dash + 1))
    if newest_epoch > epoch then
      return {'FENCED', newest_epoch}
    end
  end
  if first > last + 1 and ARGV[from] ~= 'snapshot' then
    return {'GAP', last}
  end
  local seq = first
  for i = from, to, 2 do
    if seq > last then
      redis.call('XADD', key, epoch .. '-' .. seq, 'e', ARGV[i], 'd', ARGV[i + 1])
      last = seq
    end
    seq = seq + 1
  end
  if expiry ~= '0' then
    redis.call('EXPIRE', key, expiry)
  end
  return {'OK', last}
end

local outcomes = {}
local at = 1
for i, key in ipairs(KEYS) do
  local to = at + 3 + 2 * tonumber(ARGV[at + 3])
  outcomes[i] = append(key, tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2], at + 4, to)
  at = to + 1
end
return outcomes
