-- Say something: check, number, store, remember the answer, publish. One step.
--
-- Each call from a script costs the server as much as what it does, so all that is read or written of the conversation's
-- hash goes in one; so does each number that is made into text, which `%d` does for a third of what Lua itself takes.
--
-- KEYS[1]  the conversation's hash; the remembered answers are in it, by "<who>|<part>|<command id>"
-- KEYS[2]  its public log (stream)
-- KEYS[3]  its routes (hash: node -> leased until)
-- ARGV[1]  who: "end_user", or "agent"
-- ARGV[2]  the agent's id, or the end user's socket
-- ARGV[3]  command id
-- ARGV[4]  the sealed event
-- ARGV[5]  the node that asks: it needs no publication
-- ARGV[6]  root of the node channels, e.g. "idc:{c017}:node:"
-- ARGV[7]  conversation id
-- ARGV[8]  how often one side may say something in ten seconds, on however many sockets; 0: any number of times
-- Answer: {"ok"|"again"|"refused"|"full"|"gone", seq, at}, or {"often", 0, milliseconds until there is room}
local MAX_EVENTS, MAX_BYTES = 10000, 32 * 1024 * 1024
local WINDOW, COUNTS = 10000, 1000000
local call, format = redis.call, string.format
local memory, rate = ARGV[1] .. '|' .. ARGV[2] .. '|' .. ARGV[3], 'said_' .. ARGV[1]
local state = call('HMGET', KEYS[1], 'phase', 'agent', 'seq_public', 'bytes', rate, memory)
local answered = state[6]
if answered then
  -- Written once more, so that who waits for replicas waits for this.
  call('HSET', KEYS[1], memory, answered)
  local seq, at = string.match(answered, '^(%d+)|(%d+)$')
  return {'again', tonumber(seq), tonumber(at)}
end
if not state[1] then return {'gone', 0, 0} end
if state[1] ~= 'active' or (ARGV[1] == 'agent' and state[2] ~= ARGV[2]) then return {'refused', 0, 0} end

local seq, bytes = tonumber(state[3]) + 1, tonumber(state[4] or 0) + #ARGV[4]
if seq > MAX_EVENTS or bytes > MAX_BYTES then return {'full', 0, 0} end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- One number has the window in front and, behind it, how often something was said in it.
local said = math.max(math.floor(now / WINDOW) * COUNTS, tonumber(state[5] or 0)) + 1
local limit = tonumber(ARGV[8])
if limit > 0 and said % COUNTS > limit then return {'often', 0, WINDOW - now % WINDOW} end

local place, at = format('%d', seq), format('%d', now)
local answer = place .. '|' .. at
call(
  'HSET', KEYS[1], 'seq_public', place, 'last_activity', at, 'bytes', format('%d', bytes), rate, format('%d', said),
  memory, answer
)
call('XADD', KEYS[2], place .. '-0', 'at', at, 'event', ARGV[4])
local routes = call('HGETALL', KEYS[3])
for i = 1, #routes, 2 do
  if routes[i] ~= ARGV[5] and tonumber(routes[i + 1]) > now then
    call('SPUBLISH', ARGV[6] .. routes[i], 'E' .. ARGV[7] .. 'p' .. answer .. '|' .. ARGV[4])
  end
end
return {'ok', seq, now}
