-- Keep a record where there is none, or one that no epoch opens any more.
-- KEYS[1] the record's hash
-- KEYS[2] the sorted set of sealed hashes of its bucket
-- ARGV[1] wrapped key  ARGV[2] sealed value  ARGV[3] milliseconds to live
-- ARGV[4] member and ARGV[5] score in the sorted set
-- ARGV[6] wrapped key of the record that may be overwritten; empty: none may
-- Answer: 1 kept, 0 something is there
if redis.call('EXISTS', KEYS[1]) == 1 then
  if ARGV[6] == '' or redis.call('HGET', KEYS[1], 'key') ~= ARGV[6] then
    return 0
  end
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'key', ARGV[1], 'version', 0, 'value', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
return 1
