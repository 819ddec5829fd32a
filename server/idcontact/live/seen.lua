#!lua flags=allow-oom
-- How far somebody has read. Only forwards.
--
-- KEYS[1]  the conversation's hash
-- KEYS[2]  its routes
-- ARGV[1]  who: "end_user" or "agent"; ARGV[2] the agent's id, or empty
-- ARGV[3]  seq
-- ARGV[4]  root of the node channels; ARGV[5] conversation id
-- Answer: 1 when it was news
local call = redis.call
local state = call('HMGET', KEYS[1], 'agent', 'seq_public', 'seen_' .. ARGV[1])
if not state[2] or tonumber(ARGV[3]) > tonumber(state[2]) then return 0 end
if ARGV[1] == 'agent' and state[1] ~= ARGV[2] then return 0 end
if state[3] and tonumber(state[3]) >= tonumber(ARGV[3]) then return 0 end
call('HSET', KEYS[1], 'seen_' .. ARGV[1], ARGV[3])
for _, node in ipairs(call('HKEYS', KEYS[2])) do
  call('SPUBLISH', ARGV[4] .. node, 'S' .. ARGV[5] .. ARGV[1] .. '|' .. ARGV[3])
end
return 1
