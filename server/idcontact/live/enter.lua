-- Who comes back with a cookie: is it the one that this conversation's ticket was exchanged for?
--
-- KEYS[1]  the conversation's hash
-- ARGV[1]  hash of the presented cookie
-- The first cookie that comes back binds the conversation and spends the ticket. Answer: 1 yes, 0 no.
local call = redis.call
local bound = call('HGET', KEYS[1], 'cookie')
if bound then return bound == ARGV[1] and 1 or 0 end
local issued = call('HGET', KEYS[1], 'issued') or ''
if not string.find(' ' .. issued .. ' ', ' ' .. ARGV[1] .. ' ', 1, true) then return 0 end
call('HSET', KEYS[1], 'cookie', ARGV[1])
call('HDEL', KEYS[1], 'issued', 'ticket')
return 1
