-- Give a sealed hash its data key in another wrapping, unless someone else was first. One step.
--
-- KEYS[1]  the slot's sealed hashes (zset: full key of the hash by the epoch that wraps its data key)
-- KEYS[2]  the hash
-- ARGV[1]  the wrapped key as it was read
-- ARGV[2]  the wrapped key as it is to be
-- ARGV[3]  the epoch of ARGV[2]; 0: no epoch opens it
-- Answer: 1 done, 0 not as it was read. A hash that is gone is taken off the list.
local key = redis.call('HGET', KEYS[2], 'key')
if not key then
  redis.call('ZREM', KEYS[1], KEYS[2])
  return 0
end
if key ~= ARGV[1] then return 0 end
if ARGV[1] ~= ARGV[2] then redis.call('HSET', KEYS[2], 'key', ARGV[2]) end
redis.call('ZADD', KEYS[1], 'XX', ARGV[3], KEYS[2])
return 1
