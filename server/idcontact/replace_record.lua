-- Replace the value of a record, if it is still the version that was read.
-- KEYS[1] the record's hash
-- ARGV[1] version that was read
-- ARGV[2] sealed value, for the next version
-- ARGV[3] milliseconds to live from now; empty: its time to live stays
-- Answer: 1 replaced, 0 not
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'value', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'version', 1)
if ARGV[3] ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
