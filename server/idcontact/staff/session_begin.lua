-- Somebody logged in.
-- KEYS[1] the session's hash   KEYS[2] how often the account was logged out everywhere
-- ARGV[1] account   ARGV[2] fingerprint   ARGV[3] created   ARGV[4] last seen, both in milliseconds
-- ARGV[5] milliseconds until it ends if it is not used
redis.call('HSET', KEYS[1], 'account', ARGV[1], 'fingerprint', ARGV[2], 'created', ARGV[3], 'last_seen', ARGV[4],
  'generation', redis.call('GET', KEYS[2]) or '0')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
