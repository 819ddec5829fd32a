#!lua flags=allow-oom
-- The queue and its agents: every act one atomic step. The same rules as routing.py, which is the place to read them.
--
-- KEYS[1]  root of the routing slot, e.g. "idc:{routing}:"; every key below starts with it
-- ARGV[1]  act
-- ARGV[2]  its arguments, JSON
-- ARGV[3]  now, milliseconds; 0: the server's own clock
-- ARGV[4]  settings, JSON: offer_timeout, decline_pause, done_memory, answer_memory, return_within, hand_over_memory
--          (milliseconds); misses, hand_overs (numbers)
--
-- entries   hash  conversation -> JSON entry
-- agents    hash  agent -> JSON agent
-- q:<purpose>      zset  waiting entries, by priority and arrival
-- ready:<purpose>  zset  agents to whom something may be offered, by load share and idleness
-- held:<agent>     set   conversations of an agent
-- due       zset  "<kind>|<name>" by due time: offer, lease, again (a decline's pause ends), done
-- done      hash  conversation -> version at which it left
-- answer:<agent>:<command>  the first answer to a command, for answer_memory
-- outbox    hash  conversation -> JSON assignment that it has yet to hear
-- handed:<purpose> list  "<at> <since>" of the last hand-overs, newest first, for hand_over_memory after the last
-- arrivals, offers, version   counters
-- events    sharded channel: one JSON delta per act that changed something
local root = KEYS[1]
local args = cjson.decode(ARGV[2])
local settings = cjson.decode(ARGV[4])
local call = redis.call
local now = tonumber(ARGV[3])
if now == 0 then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local SHARE_STEPS, PRIORITY_STEP = 500, 1e13
local entries, agents = {}, {}      -- loaded in this act
local delta = {entries = {}, entries_gone = {}, agents = {}, offers = {}, offers_gone = {}, outbox = {}}
local touched_entries, touched_agents = {}, {}

local function get_entry(conversation)
  if entries[conversation] == nil then
    local raw = call('HGET', root .. 'entries', conversation)
    entries[conversation] = raw and cjson.decode(raw) or false
  end
  return entries[conversation] or nil
end

local function get_agent(id)
  if agents[id] == nil then
    local raw = call('HGET', root .. 'agents', id)
    agents[id] = raw and cjson.decode(raw) or false
  end
  return agents[id] or nil
end

local function due(kind, name, at)
  if at then call('ZADD', root .. 'due', at, kind .. '|' .. name) else call('ZREM', root .. 'due', kind .. '|' .. name) end
end

local function save_entry(entry)
  entries[entry.conversation] = entry
  touched_entries[entry.conversation] = true
  call('HSET', root .. 'entries', entry.conversation, cjson.encode(entry))
  local queue = root .. 'q:' .. entry.purpose
  if entry.state == 'waiting' then
    call('ZADD', queue, entry.priority * PRIORITY_STEP + entry.arrival, entry.conversation)
  else
    call('ZREM', queue, entry.conversation)
  end
  due('offer', entry.conversation, entry.until_)
  local again = nil
  for _, at in pairs(entry.declined) do if again == nil or at < again then again = at end end
  due('again', entry.conversation, again)
end

local function is_ready(agent)
  return agent.status == 'available' and agent.present and not agent.offered and agent.load < agent.capacity
end

local function save_agent(agent)
  agents[agent.id] = agent
  touched_agents[agent.id] = true
  agent.load = call('SCARD', root .. 'held:' .. agent.id)
  call('HSET', root .. 'agents', agent.id, cjson.encode(agent))
  local turn = math.floor(agent.load * SHARE_STEPS / agent.capacity) * PRIORITY_STEP + agent.idle_since
  for _, purpose in ipairs(agent.purposes) do
    if is_ready(agent) then
      call('ZADD', root .. 'ready:' .. purpose, turn, agent.id)
    else
      call('ZREM', root .. 'ready:' .. purpose, agent.id)
    end
  end
  due('lease', agent.id, agent.present and agent.lease or nil)
end

local function tell(entry, agent)
  local assignment = cjson.encode({agent = agent.id, name = agent.name, generation = entry.generation, present = agent.present})
  call('HSET', root .. 'outbox', entry.conversation, assignment)
  table.insert(delta.outbox, entry.conversation)
end

local function tell_held(agent)
  for _, conversation in ipairs(call('SMEMBERS', root .. 'held:' .. agent.id)) do tell(get_entry(conversation), agent) end
end

-- pairing ------------------------------------------------------------------------------------------------------

local function offer(entry, agent)
  local number = call('INCR', root .. 'offers')
  agent.offered = entry.conversation
  entry.state, entry.agent, entry.offer, entry.until_ = 'offered', agent.id, number, now + settings.offer_timeout
  save_entry(entry)
  save_agent(agent)
  table.insert(delta.offers, {agent = agent.id, conversation = entry.conversation})
end

local function open_to(entry, agent_id)
  local pause = entry.declined[agent_id]
  return not (pause and pause > now)
end

local BATCH = 50
local function first(key, suits)
  local from = 0
  while true do
    local page = call('ZRANGE', key, from, from + BATCH - 1, 'WITHSCORES')
    for i = 1, #page, 2 do
      if suits(page[i]) then return page[i], tonumber(page[i + 1]) end
    end
    if #page < 2 * BATCH then return nil end
    from = from + BATCH
  end
end

-- Find an agent for a waiting entry.
local function place(entry)
  if entry.state ~= 'waiting' then return end
  local id = first(root .. 'ready:' .. entry.purpose, function(agent_id) return open_to(entry, agent_id) end)
  if id then offer(entry, get_agent(id)) end
end

-- Find an entry for an agent with room.
local function seek(agent)
  if not is_ready(agent) then return end
  local best, best_score = nil, nil
  for _, purpose in ipairs(agent.purposes) do
    local conversation, score = first(root .. 'q:' .. purpose, function(c) return open_to(get_entry(c), agent.id) end)
    if conversation and (best_score == nil or score < best_score) then best, best_score = conversation, score end
  end
  if best then offer(get_entry(best), agent) end
end

-- what the acts are made of --------------------------------------------------------------------------------------

local function take_back(entry, reason)
  local agent = get_agent(entry.agent)
  table.insert(delta.offers_gone, {agent = agent.id, conversation = entry.conversation, offer = entry.offer, reason = reason})
  agent.offered = nil
  entry.agent, entry.offer, entry.until_, entry.state = nil, nil, nil, 'waiting'
  save_entry(entry)
  save_agent(agent)
  return agent
end

local function release(entry)
  local agent = get_agent(entry.agent)
  call('SREM', root .. 'held:' .. agent.id, entry.conversation)
  agent.idle_since = now
  entry.agent, entry.state = nil, 'waiting'
  call('HDEL', root .. 'outbox', entry.conversation)
  save_agent(agent)
  return agent
end

local function withdraw_from(agent)
  if agent.offered then
    local entry = get_entry(agent.offered)
    take_back(entry, 'withdrawn')
    place(entry)
  end
end

local function open_offer()
  local entry = get_entry(args.conversation)
  if not entry or entry.state ~= 'offered' or entry.agent ~= args.agent or entry.offer ~= args.offer then return nil end
  if entry.until_ <= now then return nil end
  return entry
end

local function enter()
  local entry = {
    conversation = args.conversation, purpose = args.purpose, channel = args.channel, language = args.language,
    priority = args.priority, arrival = call('INCR', root .. 'arrivals'), entered_at = args.entered_at,
    version = args.version, generation = args.generation, present = args.present,
    state = args.present and 'waiting' or 'absent', declined = {}, auth = args.auth,
  }
  save_entry(entry)
  place(entry)
end

local function remove(entry)
  call('HSET', root .. 'done', entry.conversation, args.version)
  due('done', entry.conversation, now + settings.done_memory)
  local freed = nil
  if entry.state == 'offered' then freed = take_back(entry, 'withdrawn')
  elseif entry.state == 'assigned' then freed = release(entry) end
  call('HDEL', root .. 'entries', entry.conversation)
  call('ZREM', root .. 'q:' .. entry.purpose, entry.conversation)
  due('offer', entry.conversation, nil)
  due('again', entry.conversation, nil)
  entries[entry.conversation] = false
  touched_entries[entry.conversation] = nil
  table.insert(delta.entries_gone, entry.conversation)
  if freed then seek(freed) end
end

local function queue_again(entry)
  local freed = nil
  if entry.state == 'assigned' then freed = release(entry)
  elseif entry.state == 'offered' and not args.present then freed = take_back(entry, 'withdrawn') end
  entry.present = args.present
  if entry.state ~= 'offered' then entry.state = args.present and 'waiting' or 'absent' end
  save_entry(entry)
  place(entry)
  if freed then seek(freed) end
end

local function lapse(entry)
  local agent = take_back(entry, 'lapsed')
  agent.misses = agent.misses + 1
  agent.idle_since = now
  if agent.misses >= settings.misses then
    agent.status, agent.misses, agent.since = 'away', 0, now
    delta.missed = delta.missed or {}
    table.insert(delta.missed, agent.id)
  end
  save_agent(agent)
  place(entry)
  seek(agent)
end

-- For the expected wait, without anybody's name: when, and since when an agent was wanted for it.
local AT_ONCE = 1000
local function remember(entry)
  local key, since = root .. 'handed:' .. entry.purpose, now
  local offered_at = entry.until_ - settings.offer_timeout
  if entry.generation == 0 and offered_at - entry.entered_at > AT_ONCE then since = entry.entered_at end
  call('LPUSH', key, string.format('%.0f %.0f', now, since))
  call('LTRIM', key, 0, settings.hand_overs - 1)
  call('PEXPIRE', key, settings.hand_over_memory)
end

-- acts -----------------------------------------------------------------------------------------------------------

local act = {}

function act.sync()
  local entry = get_entry(args.conversation)
  local known = entry and entry.version or tonumber(call('HGET', root .. 'done', args.conversation) or 0)
  if args.version <= known then return 0 end
  if args.want == 'none' then
    if entry then remove(entry) end
  elseif not entry then
    if args.want == 'queued' then enter() end
  else
    entry.version = args.version
    if args.want == 'queued' and args.generation >= entry.generation then
      queue_again(entry)
    else
      save_entry(entry)
    end
  end
  return 1
end

-- Whether `by` is a later try of the page of `conn`: the rule of comings.py.
local function is_overtaken(conn, by)
  local page, attempt = string.match(conn, '^([^~]+)~(%d+)~')
  local same, later = string.match(by, '^([^~]+)~(%d+)~')
  return page ~= nil and page == same and tonumber(attempt) < tonumber(later)
end

function act.arrive()
  local agent = get_agent(args.id)
  if agent and is_overtaken(args.conn, agent.conn) then return 0 end
  if not agent then
    agent = {id = args.id, status = 'away', load = 0, misses = 0, idle_since = now, since = now, present = false, conn = ''}
  end
  for _, purpose in ipairs(agent.purposes or {}) do call('ZREM', root .. 'ready:' .. purpose, agent.id) end
  if agent.conn ~= '' and agent.conn ~= args.conn then delta.replaced = {agent = agent.id, conn = agent.conn} end
  if not agent.present and now - (agent.lease or now) > settings.return_within then
    agent.status, agent.since = 'away', now
  end
  agent.name, agent.purposes, agent.capacity = args.name, args.purposes, args.capacity
  agent.conn, agent.lease = args.conn, args.lease
  local returned = not agent.present
  agent.present = true
  save_agent(agent)
  if returned then tell_held(agent) end
  seek(agent)
  return 1
end

function act.lease()
  local agent = get_agent(args.id)
  if not agent or agent.conn ~= args.conn or not agent.present then return 0 end
  agent.lease = args.lease
  call('HSET', root .. 'agents', agent.id, cjson.encode(agent))
  due('lease', agent.id, agent.lease)
  return 1
end

function act.set_status()
  local agent = get_agent(args.agent)
  if not agent then return 0 end
  if agent.status ~= args.status then agent.since = now end
  agent.status, agent.misses = args.status, 0
  if args.status == 'away' then
    save_agent(agent)
    withdraw_from(agent)
  else
    agent.idle_since = now
    save_agent(agent)
    seek(agent)
  end
  return 1
end

function act.accept()
  local entry = open_offer()
  if not entry then return 0 end
  local agent = get_agent(args.agent)
  table.insert(delta.offers_gone, {agent = agent.id, conversation = entry.conversation, offer = entry.offer, reason = 'accepted'})
  remember(entry)
  agent.offered, agent.misses = nil, 0
  call('SADD', root .. 'held:' .. agent.id, entry.conversation)
  entry.state, entry.offer, entry.until_ = 'assigned', nil, nil
  entry.generation = entry.generation + 1
  entry.declined = {}
  save_entry(entry)
  save_agent(agent)
  tell(entry, agent)
  seek(agent)
  return 1
end

function act.decline()
  local entry = open_offer()
  if not entry then return 0 end
  local agent = get_agent(args.agent)
  entry.declined[agent.id] = now + settings.decline_pause
  agent.idle_since, agent.misses = now, 0
  take_back(entry, 'declined')
  place(entry)
  seek(agent)
  return 1
end

local due_acts = {}
function due_acts.done(name)
  call('HDEL', root .. 'done', name)
  due('done', name, nil)
end
function due_acts.again(name)
  local entry = get_entry(name)
  local left = {}
  for agent, at in pairs(entry.declined) do if at > now then left[agent] = at end end
  entry.declined = left
  save_entry(entry)
  place(entry)
end
function due_acts.lease(name)
  local agent = get_agent(name)
  agent.present = false
  save_agent(agent)
  withdraw_from(agent)
  tell_held(agent)
end
function due_acts.offer(name)
  local entry = get_entry(name)
  if entry.state == 'offered' and entry.until_ <= now then lapse(entry) end
end

function act.sweep()
  local members = call('ZRANGEBYSCORE', root .. 'due', '-inf', now, 'LIMIT', 0, args.limit)
  for _, member in ipairs(members) do
    local kind, name = string.match(member, '^(%a+)|(.*)$')
    due_acts[kind](name)
  end
  return #members
end

function act.confirm()
  if call('HGET', root .. 'outbox', args.conversation) == args.heard then
    call('HDEL', root .. 'outbox', args.conversation)
    return 1
  end
  return 0
end

-- the answer -----------------------------------------------------------------------------------------------------

-- A command that was answered gets its first answer again, and does nothing.
local memory = args.command and (root .. 'answer:' .. args.agent .. ':' .. args.command)
local answered = memory and call('GET', memory)
if answered then
  -- Written once more, so that who waits for replicas waits for this.
  call('SET', memory, answered, 'KEEPTTL')
  return {tonumber(answered), now}
end
local answer = act[ARGV[1]]()
if memory then call('SET', memory, answer, 'PX', settings.answer_memory) end
for conversation in pairs(touched_entries) do
  if entries[conversation] then table.insert(delta.entries, entries[conversation]) end
end
for id in pairs(touched_agents) do table.insert(delta.agents, agents[id]) end
local changed = delta.replaced ~= nil
for _, list in pairs(delta) do if #list > 0 then changed = true end end
if changed then
  delta.version = call('INCR', root .. 'version')
  for name, list in pairs(delta) do
    if type(list) == 'table' and next(list) == nil then delta[name] = nil end
  end
  call('SPUBLISH', root .. 'events', cjson.encode(delta))
end
return {answer, now}
