#!lua flags=allow-oom
-- A node still has sockets of this conversation: its route, and the end user's lease.
--
-- KEYS[1]  the conversation's hash
-- KEYS[2]  its routes (hash: node -> leased until)
-- KEYS[3]  the bucket's deadlines
-- ARGV[1]  conversation id
-- ARGV[2]  node
-- ARGV[3]  how long a route lasts, milliseconds
-- ARGV[4]  how long the end user's lease lasts, milliseconds; 0: no socket of the end user here
-- Answer: the version, or nil when the conversation is gone
local call = redis.call
local version = call('HGET', KEYS[1], 'version')
if not version then return nil end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local routes = call('HGETALL', KEYS[2])
for i = 1, #routes, 2 do
  if tonumber(routes[i + 1]) <= now then call('HDEL', KEYS[2], routes[i]) end
end
call('HSET', KEYS[2], ARGV[2], now + ARGV[3])
call('PEXPIRE', KEYS[2], ARGV[3] * 4)
local lease = 'lease|' .. ARGV[1]
if tonumber(ARGV[4]) > 0 and call('ZSCORE', KEYS[3], lease) then call('ZADD', KEYS[3], now + ARGV[4], lease) end
return version
