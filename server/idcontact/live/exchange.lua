-- A ticket for a cookie. Until a cookie has come back the ticket may be shown again: an answer can get lost.
--
-- KEYS[1]  the conversation's hash
-- ARGV[1]  hash of the shown ticket
-- ARGV[2]  hash of the new cookie
-- ARGV[3]  how many cookies may be out at once
-- Answer: "ok" | "spent" | "unknown"
local call = redis.call
local ticket = call('HGET', KEYS[1], 'ticket')
if not ticket then return call('EXISTS', KEYS[1]) == 1 and 'spent' or 'unknown' end
if ticket ~= ARGV[1] then return 'unknown' end
local issued = call('HGET', KEYS[1], 'issued')
local kept = {}
for hash in string.gmatch(issued or '', '%S+') do table.insert(kept, hash) end
while #kept >= tonumber(ARGV[3]) do table.remove(kept, 1) end
table.insert(kept, ARGV[2])
call('HSET', KEYS[1], 'issued', table.concat(kept, ' '))
return 'ok'
