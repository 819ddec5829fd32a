#!lua flags=allow-oom
-- Store what follows from a happening, if nothing else happened meanwhile. One step.
--
-- KEYS[1]  the conversation's hash; the remembered answers are in it, by command
-- KEYS[2]  its public log, KEYS[3] its staff log (streams)
-- KEYS[4]  its routes (hash: node -> leased until)
-- KEYS[5]  the bucket's deadlines (zset: "<kind>|<conversation>" by time)
-- KEYS[6]  the bucket's conversations that routing has yet to hear of (set)
-- KEYS[7]  the bucket's sealed hashes (zset)
-- ARGV[1]  conversation id
-- ARGV[2]  root of the node channels
-- ARGV[3]  JSON: expected, phase, agent, now, deadlines {kind: at} (all that hold, but lease),
--          lease (0: none, -1: as it is), tell_routing, forget, expiry (s), command?, claim? {kind, at, last_activity}
-- ARGV[4]  the sealed state; ARGV[5] how the one begins that was read
-- ARGV[6]… pairs: log ("public" or "staff"), sealed event
-- ARGV[7+] last, when `attributes` is set: the sealed attributes
-- Answer: {"ok", version, seq of the first event or 0, at} | {"again", answer} | {"lost"} | {"gone"} | {"claimed"}
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, channel = ARGV[1], ARGV[2]
local what = cjson.decode(ARGV[3])
local version, state = unpack(call('HMGET', KEYS[1], 'version', 'state'))
if not version then return {'gone'} end
if what.command then
  local answered = call('HGET', KEYS[1], what.command)
  if answered then
    -- Written once more, so that who waits for replicas waits for this.
    call('HSET', KEYS[1], what.command, answered)
    return {'again', answered}
  end
end
-- A copy of the store that took over may be at the same version with another state.
if tonumber(version) ~= what.expected or string.sub(state, 1, #ARGV[5]) ~= ARGV[5] then return {'lost'} end
if what.claim then
  local at = call('ZSCORE', KEYS[5], what.claim.kind .. '|' .. id)
  if not at or tonumber(at) ~= what.claim.at then return {'claimed'} end
  -- Somebody said something since the state was read: whether this deadline holds has to be decided again.
  if tonumber(call('HGET', KEYS[1], 'last_activity') or 0) ~= what.claim.last_activity then return {'lost'} end
  call('ZREM', KEYS[5], what.claim.kind .. '|' .. id)
end

local routes = call('HGETALL', KEYS[4])
local function publish(text)
  for i = 1, #routes, 2 do
    if tonumber(routes[i + 1]) > now then call('SPUBLISH', channel .. routes[i], text) end
  end
end

if what.phase == 'purged' then
  call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
  for _, kind in ipairs(what.kinds) do call('ZREM', KEYS[5], kind .. '|' .. id) end
  call('ZREM', KEYS[7], KEYS[1])
  publish('Z' .. id)
  return {'ok', what.expected + 1, 0, now}
end

local fields = #ARGV
if what.attributes then
  call('HSET', KEYS[1], 'attributes', ARGV[fields], 'attributes_at', now)
  fields = fields - 1
elseif what.forget then
  call('HDEL', KEYS[1], 'attributes', 'attributes_at')
end
local first = 0
for i = 6, fields, 2 do
  local log, sealed = ARGV[i], ARGV[i + 1]
  local seq = call('HINCRBY', KEYS[1], 'seq_' .. log, 1)
  if first == 0 then first = seq end
  call('XADD', log == 'public' and KEYS[2] or KEYS[3], seq .. '-0', 'at', now, 'event', sealed)
  publish('E' .. id .. string.sub(log, 1, 1) .. seq .. '|' .. now .. '|' .. sealed)
end
call('HSET', KEYS[1], 'version', what.expected + 1, 'phase', what.phase, 'agent', what.agent, 'state', ARGV[4])
for _, kind in ipairs(what.kinds) do
  if what.deadlines[kind] then
    call('ZADD', KEYS[5], what.deadlines[kind], kind .. '|' .. id)
  else
    call('ZREM', KEYS[5], kind .. '|' .. id)
  end
end
if what.lease > 0 then call('ZADD', KEYS[5], what.lease, 'lease|' .. id)
elseif what.lease == 0 then call('ZREM', KEYS[5], 'lease|' .. id) end
if what.tell_routing then call('SADD', KEYS[6], id) end
if what.command then call('HSET', KEYS[1], what.command, first .. '|' .. now) end
for _, key in ipairs({KEYS[1], KEYS[2], KEYS[3]}) do call('EXPIRE', key, what.expiry) end
publish('C' .. id .. (what.expected + 1))
return {'ok', what.expected + 1, first, now}
