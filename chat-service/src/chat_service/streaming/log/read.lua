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
while place do
  local entries = redis.call('XRANGE', KEYS[1], place, '+', 'COUNT', AT_A_TIME)
  place = #entries == AT_A_TIME and '(' .. entries[AT_A_TIME][1]
  for _, entry in ipairs(entries) do
    local epoch, seq = string.match(entry[1], '^(%d+)-(%d+)$')
    seq = tonumber(seq)
    if seq <= after then
      -- Of another owner: its frames up to the number are passed over, however many they are.
      place = epoch .. '-' .. (after + 1)
      break
    end
    -- The mark of a new owner is no frame.
    if entry[2][1] == 'e' then
      left = left - #entry[2][4]
      if left < 0 and #found > 0 then
        return found
      end
      found[#found + 1] = seq
      found[#found + 1] = entry[2][2]
      found[#found + 1] = entry[2][4]
    end
  end
end
return found
