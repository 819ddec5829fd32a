#!lua flags=allow-oom
-- How often something may be done: a sliding window, made of the counts of this window and the one before it, which
-- weighs less as this one goes by. One step, so that hits at the same moment never pass together.
--
-- KEYS[1]  hash  start (of this window, ms), count (in it), before (in the one before); gone when both would be over
-- ARGV[1]  how often, ARGV[2] in how many milliseconds
-- ARGV[3]  1: count this one, when it fits; 0: only look
--
-- Answers 0 when it fits, else the milliseconds until one does.
local call, key = redis.call, KEYS[1]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = call('HMGET', key, 'start', 'count', 'before')
local start, count, before = tonumber(kept[1] or now), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
if now >= start + 2 * window then
  start, count, before = now, 0, 0
elseif now >= start + window then
  start, count, before = start + window, 0, count
end

local gone = math.max(now - start, 0)
if math.floor(before * (1 - gone / window)) + count < limit then
  if ARGV[3] == '1' then
    call('HSET', key, 'start', start, 'count', count + 1, 'before', before)
    call('PEXPIRE', key, 2 * window)
  end
  return 0
end
-- Where this window is full by itself, the next one begins; else the one before has to weigh less.
local fits = window
if count < limit then fits = math.floor(window * (1 - (limit - count) / before)) + 1 end
return math.max(1, fits - gone)
