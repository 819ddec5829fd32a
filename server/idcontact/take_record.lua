-- Read a record and delete it.
-- KEYS[1] the record's hash
-- KEYS[2] the sorted set of sealed hashes of its bucket
-- Answer: wrapped key, version, sealed value; or false when it is not there
local record = redis.call('HMGET', KEYS[1], 'key', 'version', 'value')
if not record[1] then
  return false
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], KEYS[1])
return record
