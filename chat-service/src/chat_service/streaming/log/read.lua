-- Reads the frames of one run behind a number, as many as somebody is given at a time.
--
-- KEYS[1]  the run's stream; an entry's id is <epoch>-<seq>
-- ARGV[1]  the number
-- ARGV[2]  bytes of data that they have together at most; the first one may have more
--
-- Returns number, event and data of each, one behind the other, in order.
local AT_A_TIME = 100
local after, left = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = {}
local place = '1-' .. (after + 1)
repeat
  local entries = redis.call('XRANGE', KEYS[1], place, '+', 'COUNT', AT_A_TIME)
  for _, entry in ipairs(entries) do
    local seq = tonumber(string.sub(entry[1], string.find(entry[1], '-', 1, true) + 1))
    -- The mark of a new owner is no frame.
    if seq > after and entry[2][1] == 'e' then
      left = left - #entry[2][4]
      if left < 0 and #found > 0 then
        return found
      end
      found[#found + 1] = seq
      found[#found + 1] = entry[2][2]
      found[#found + 1] = entry[2][4]
    end
    place = '(' .. entry[1]
  end
until #entries < AT_A_TIME
return found
