#!lua flags=allow-oom
-- What was read of a conversation is what it is: written once more, so that who waits for replicas waits for that.
--
-- KEYS[1]  the conversation's hash
-- ARGV[1]  the version that was read
-- Answer: 1, or 0 when it is at another version, or gone
local version = redis.call('HGET', KEYS[1], 'version')
if not version or tonumber(version) ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', version)
return 1
