-- Routing has heard of a conversation as it was at a version; crossed off only if it is still that, or gone.
--
-- KEYS[1]  the conversation's hash
-- KEYS[2]  the bucket's conversations that routing has yet to hear of
-- ARGV[1]  conversation id
-- ARGV[2]  version
local version = redis.call('HGET', KEYS[1], 'version')
if version and tonumber(version) > tonumber(ARGV[2]) then return 0 end
redis.call('SREM', KEYS[2], ARGV[1])
return 1
