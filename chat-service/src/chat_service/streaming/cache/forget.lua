-- Takes away all answers of a user, and the secret by which they were found.
--
-- KEYS     the secret's, the user's list, the list of all, the sum of all
-- ARGV     what the names of the user's answers begin with; seconds for which no secret is made anew, 0: it may be
--
-- What was looked for before is not kept any more, whenever its answer ends.
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local digest, size = string.match(member, '|(.-)|(%d+)$')
  if redis.call('ZREM', KEYS[3], member) == 1 and redis.call('DECRBY', KEYS[4], size) <= 0 then
    redis.call('DEL', KEYS[4])
  end
  redis.call('UNLINK', ARGV[1] .. digest)
end
redis.call('UNLINK', KEYS[2])
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], '', 'EX', ARGV[2])
end
return 1
