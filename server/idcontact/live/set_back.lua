#!lua flags=allow-oom
-- The store fell back to an earlier copy of itself: what was handed out of a conversation is no longer in it. Its logs
-- get other ids, so that everybody reads them whole, and its version goes above any that was seen. One step: of many
-- nodes that notice, one does it.
--
-- KEYS[1]  the conversation's hash
-- KEYS[2]  its public log (stream)
-- KEYS[3]  its routes (hash: node -> leased until)
-- ARGV[1]  conversation id; ARGV[2] root of the node channels
-- ARGV[3]  the version that was seen, when it may no longer be there; -1: none
-- ARGV[4]  how many set-backs were seen: this one counts as a later one
-- ARGV[5]  the public log's id that was seen, ARGV[6] its next one; ARGV[7] and ARGV[8] those of the staff log
-- ARGV[9]  the logs that do not hold what was handed out, or may not: words among "public" and "staff"
-- ARGV[10] the sealed event that tells people, for the public log
-- ARGV[11] whose page says so of which log ("agent_staff"), or empty: a node has seen it
-- ARGV[12] how often that is believed; ARGV[13] milliseconds between the first two times, then each time twice as many
-- Answer: done | early (too soon after the last time) | enough (not believed any more) | nothing (to do, any more)
local call = redis.call
local claim = ARGV[11]
local state = call('HMGET', KEYS[1], 'version', 'log_public', 'log_staff', 'set_back', 'claims_' .. claim)
if not state[1] then return 'nothing' end
local version, seen = tonumber(state[1]), tonumber(ARGV[3])
local set_backs, known = tonumber(state[4] or 0), tonumber(ARGV[4])
-- One that has another id than was seen got it later, and is in order; or it has its earlier one again.
local function is_void(log, id, id_seen)
  if id == id_seen then return string.find(ARGV[9], log, 1, true) ~= nil end
  return set_backs <= known
end
local public, staff = is_void('public', state[2], ARGV[5]), is_void('staff', state[3], ARGV[7])
if not public and not staff and version > seen and set_backs >= known then return 'nothing' end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if claim == '' then
  call('HDEL', KEYS[1], 'claims_end_user_public', 'claims_agent_public', 'claims_agent_staff')
else
  -- After a failover this is another copy: pages may know better again, and are counted anew.
  local info = redis.pcall('INFO', 'replication')
  local copy = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
  local times, at, where = string.match(state[5] or '', '^(%d+)|(%d+)|(%x*)$')
  if where ~= copy then times, at = 0, 0 end
  times = tonumber(times)
  if times >= tonumber(ARGV[12]) then return 'enough' end
  if times > 0 and now - tonumber(at) < tonumber(ARGV[13]) * 2 ^ (times - 1) then return 'early' end
  call('HSET', KEYS[1], 'claims_' .. claim, (times + 1) .. '|' .. now .. '|' .. copy)
end
if public then
  local seq = call('HINCRBY', KEYS[1], 'seq_public', 1)
  call('XADD', KEYS[2], seq .. '-0', 'at', now, 'event', ARGV[10])
  call('HSET', KEYS[1], 'log_public', ARGV[6])
end
if staff then call('HSET', KEYS[1], 'log_staff', ARGV[8]) end
call('HSET', KEYS[1], 'version', math.max(version, seen) + 1, 'set_back', math.max(set_backs, known) + 1)
local routes = call('HGETALL', KEYS[3])
for i = 1, #routes, 2 do
  if tonumber(routes[i + 1]) > now then call('SPUBLISH', ARGV[2] .. routes[i], 'C' .. ARGV[1]) end
end
return 'done'
