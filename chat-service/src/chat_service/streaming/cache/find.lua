-- The secret by which a user's questions are known again: made when there is none.
--
-- KEYS     the secret's
-- ARGV     a new one, seconds for which one is kept from now on
--
-- Returns the secret; '' when the user is gone.
local secret = redis.call('GET', KEYS[1])
if secret == '' then
  return ''
end
if not secret then
  secret = ARGV[1]
end
redis.call('SET', KEYS[1], secret, 'EX', ARGV[2])
return secret
