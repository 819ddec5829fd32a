#!lua flags=allow-oom
-- Somebody logged out, here or everywhere.
-- KEYS[1] the session's hash, or how often the account was logged out everywhere
-- ARGV[1] "here" or "everywhere"
if ARGV[1] == 'everywhere' then return redis.call('INCR', KEYS[1]) end
return redis.call('DEL', KEYS[1])
