-- That somebody types: told to whoever is there now, and kept nowhere.
--
-- KEYS[1]  the conversation's hash
-- KEYS[2]  its routes
-- ARGV[1]  who: "end_user" or "agent"; ARGV[2] the agent's id, or empty
-- ARGV[3]  root of the node channels; ARGV[4] conversation id
-- ARGV[5]  1, or 0 when they have stopped
-- Told with it is the last number of the log: on another connection than the events, it may come after a later one.
-- Answer: 1 when it was told
local call = redis.call
local state = call('HMGET', KEYS[1], 'phase', 'agent', 'seq_public')
if state[1] ~= 'active' or (ARGV[1] == 'agent' and state[2] ~= ARGV[2]) then return 0 end
for _, node in ipairs(call('HKEYS', KEYS[2])) do
  call('SPUBLISH', ARGV[3] .. node, 'T' .. ARGV[4] .. ARGV[1] .. '|' .. ARGV[5] .. '|' .. state[3])
end
return 1
