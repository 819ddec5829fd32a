#!lua flags=allow-oom
-- Notes that a session is in use, and never brings back one that has ended meanwhile.
-- KEYS[1] the session's hash
-- ARGV[1] now, in milliseconds   ARGV[2] milliseconds until it ends if it is not used again
-- Answers 1 when it was there, else 0.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'last_seen', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
