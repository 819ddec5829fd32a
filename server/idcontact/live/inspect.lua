-- What is kept of one bucket's conversations, in numbers. Changes nothing.
--
-- KEYS[1]  the bucket's sealed hashes (zset)
-- Answer: {now, {phase, count, ...}, when the oldest attributes came (0: there are none),
--          the same of those that are kept though their conversation has left active}; times in milliseconds
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local MAY_KEEP = {preparing = true, waiting = true, active = true}
local counts, oldest, left = {}, 0, 0
for _, hash in ipairs(call('ZRANGE', KEYS[1], 0, -1)) do
  local kept = call('HMGET', hash, 'phase', 'attributes_at')
  local phase, at = kept[1], tonumber(kept[2] or 0)
  if phase then
    counts[phase] = (counts[phase] or 0) + 1
    if not MAY_KEEP[phase] and call('HEXISTS', hash, 'attributes') == 1 then
      at = math.max(at, 1)
      if left == 0 or at < left then left = at end
    end
    if at > 0 and (oldest == 0 or at < oldest) then oldest = at end
  end
end
local phases = {}
for phase, count in pairs(counts) do
  table.insert(phases, phase)
  table.insert(phases, count)
end
return {now, phases, oldest, left}
