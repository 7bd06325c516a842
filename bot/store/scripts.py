"""The Lua that makes each step of a review atomic: state, event and messages together.
That of deliveries is in `bot.store.delivery_scripts`.

A crash can fall before a script or after it, never between two of its effects. All
keys begin with the prefix in ARGV[1]; `bot.store.keys` says what they hold.
"""

#: What other scripts begin with.
PRELUDE = """
local prefix, dramatiq = ARGV[1], ARGV[2]
local finished = {completed = true, failed = true, cancelled = true, superseded = true}

local function put(messages)
  for _, m in ipairs(cjson.decode(messages)) do
    redis.call('HSET', dramatiq .. ':' .. m[1] .. '.msgs', m[2], m[3])
    redis.call('RPUSH', dramatiq .. ':' .. m[1], m[2])
  end
end

local function set(id, fields)
  for name, value in pairs(cjson.decode(fields)) do
    redis.call('HSET', prefix .. 'review:' .. id, name, value)
  end
end

local function emit(id, kind)
  local v = redis.call('HMGET', prefix .. 'review:' .. id, 'state', 'percent', 'activity',
    'amount', 'files_total', 'files_done', 'findings', 'error', 'result')
  local data = {state = v[1], percent = tonumber(v[2] or '0'), activity = v[3] or nil,
    amount = tonumber(v[4] or '0'), files_total = tonumber(v[5] or '0'),
    files_done = tonumber(v[6] or '0'), findings = tonumber(v[7] or '0'), error = v[8] or nil}
  if v[9] then data.result = cjson.decode(v[9]) end
  redis.call('XADD', prefix .. 'events:' .. id, 'MAXLEN', '~', '1000', '*',
    'type', kind, 'data', cjson.encode(data))
end

-- Give slots to parked reviews of an installation, up to so many.
local function start_parked(installation, slots)
  local parked = prefix .. 'parked:' .. installation
  while slots > 0 do
    local id = redis.call('LPOP', parked)
    if not id then return end
    local review = prefix .. 'review:' .. id
    local messages = redis.call('HGET', review, 'parked')
    if messages then
      redis.call('HDEL', review, 'parked')
      redis.call('SADD', prefix .. 'running:' .. installation, id)
      put(messages)
      slots = slots - 1
    end
  end
end

local function release(id)
  local installation = redis.call('HGET', prefix .. 'review:' .. id, 'installation_id')
  if installation and redis.call('SREM', prefix .. 'running:' .. installation, id) == 1 then
    start_parked(installation, 1)
  end
end

local function transition(id, state, keep)
  local review = prefix .. 'review:' .. id
  redis.call('HSET', review, 'state', state)
  redis.call('HDEL', review, 'parked')  -- whatever moves waits for no turn any more
  if not finished[state] then return emit(id, 'progress') end
  redis.call('ZREM', prefix .. 'active', id)
  if state ~= 'completed' then
    redis.call('ZADD', prefix .. 'ending', redis.call('TIME')[1], id)
  end
  release(id)
  redis.call('HINCRBY', prefix .. 'ended_reviews', state, 1)
  redis.call('HSET', review, 'finished_at', redis.call('TIME')[1])
  emit(id, state == 'superseded' and 'cancelled' or state)
  redis.call('DEL', prefix .. 'batches:' .. id, prefix .. 'results:' .. id, prefix .. 'scan:' .. id)
  redis.call('EXPIRE', review, keep)
  redis.call('EXPIRE', prefix .. 'events:' .. id, keep)
  local after = prefix .. 'after:' .. id
  local waiting = redis.call('HKEYS', after)
  table.sort(waiting)  -- ids: oldest first
  for _, name in ipairs(waiting) do put(redis.call('HGET', after, name)) end
  redis.call('DEL', after)
end
"""

#: ARGV: prefix, dramatiq, messages.
PUT = PRELUDE + "put(ARGV[3])"

#: ARGV: prefix, dramatiq, id, pull key, head, fields (JSON), now, 1 if only for a new head or
#: base, keep, key of the pull requests at that head, number, base, 1 if it looks for all
#: categories, messages that start it after the one that runs, or '' if it supersedes that.
#: Returns {'opened' | 'known' | 'repeated' | 'waits', id of the review that it replaced, that
#: stands, or that it waits for, or ''}.
OPEN = (
    PRELUDE
    + """
local id, pull, head = ARGV[3], ARGV[4], ARGV[5]
local review = prefix .. 'review:' .. id
if redis.call('EXISTS', review) == 1 then
  return {'known', redis.call('HGET', review, 'supersedes') or ''}
end
local function state_of(name)
  return name and redis.call('HGET', prefix .. 'review:' .. name, 'state')
end
local current, unfocused = unpack(redis.call('HMGET', pull, 'current', 'unfocused'))
local existing = state_of(unfocused)
if ARGV[8] == '1' and existing and redis.call('HGET', pull, 'head') == head
    and redis.call('HGET', pull, 'base') == ARGV[12]
    and existing ~= 'failed' and existing ~= 'cancelled' then
  return {'repeated', unfocused}
end
local state, supersedes = state_of(current), ''
if state and not finished[state] then
  local after = prefix .. 'after:' .. current
  if ARGV[14] ~= '' then
    redis.call('HSET', after, id, ARGV[14])
    redis.call('EXPIRE', after, ARGV[9])
    return {'waits', current}
  end
  supersedes = current
  redis.call('HSET', prefix .. 'review:' .. current, 'superseded_by', id)
  if redis.call('EXISTS', after) == 1 then  -- what waited for that one waits for this one
    redis.call('RENAME', after, prefix .. 'after:' .. id)
  end
  transition(current, 'superseded', ARGV[9])
end
redis.call('DEL', prefix .. 'events:' .. id)  -- of an earlier attempt, which was for leaving it
set(id, ARGV[6])
redis.call('HSET', review, 'supersedes', supersedes)
redis.call('HSET', pull, 'current', id)
if ARGV[13] == '1' then
  redis.call('HSET', pull, 'unfocused', id, 'head', head, 'base', ARGV[12])
end
redis.call('EXPIRE', pull, ARGV[9])
redis.call('SADD', ARGV[10], ARGV[11])
redis.call('EXPIRE', ARGV[10], ARGV[9])
redis.call('ZADD', prefix .. 'active', ARGV[7], id)
redis.call('ZADD', prefix .. 'reviews', ARGV[7], id)
emit(id, 'progress')
return {'opened', supersedes}
"""
)

#: ARGV: prefix, dramatiq, id, states it may leave (JSON), state to enter, fields (JSON),
#: messages, keep seconds, then batch numbers and bodies in turn.
#: Returns {1 if it moved, the state it was in ('' if there is no such review)}.
MOVE = (
    PRELUDE
    + """
local id = ARGV[3]
local state = redis.call('HGET', prefix .. 'review:' .. id, 'state')
if not state then return {0, ''} end
local allowed = false
for _, from in ipairs(cjson.decode(ARGV[4])) do allowed = allowed or from == state end
if not allowed or finished[state] then return {0, state} end
set(id, ARGV[6])
for i = 9, #ARGV, 2 do
  redis.call('HSET', prefix .. 'batches:' .. id, ARGV[i], ARGV[i + 1])
  redis.call('HINCRBY', prefix .. 'review:' .. id, 'batches', 1)
end
transition(id, ARGV[5], ARGV[8])
put(ARGV[7])
return {1, state}
"""
)

#: ARGV: prefix, dramatiq, id, percent, fields (JSON). Percent never falls; a finished
#: review does not change. Returns 1 when it was told.
PROGRESS = (
    PRELUDE
    + """
local review = prefix .. 'review:' .. ARGV[3]
local state = redis.call('HGET', review, 'state')
if not state or finished[state] then return 0 end
set(ARGV[3], ARGV[5])
local percent = math.max(tonumber(ARGV[4]), tonumber(redis.call('HGET', review, 'percent') or '0'))
redis.call('HSET', review, 'percent', percent)
emit(ARGV[3], 'progress')
return 1
"""
)

#: ARGV: prefix, dramatiq, id, batch number, result body, files in it, findings in it,
#: message that publishes. The last batch to come in moves the review to `reporting` and
#: sends that message, once. Returns how many are in, or -1 when nobody waits for it.
FINISH_BATCH = (
    PRELUDE
    + """
local id = ARGV[3]
local review, results = prefix .. 'review:' .. id, prefix .. 'results:' .. id
if redis.call('HGET', review, 'state') ~= 'analyzing' then return -1 end
if redis.call('HSETNX', results, ARGV[4], ARGV[5]) == 0 then return redis.call('HLEN', results) end
local done, total = redis.call('HLEN', results), tonumber(redis.call('HGET', review, 'batches'))
redis.call('HINCRBY', review, 'files_done', ARGV[6])
redis.call('HINCRBY', review, 'findings', ARGV[7])
redis.call('HSET', review, 'percent', 20 + math.floor(70 * done / total))
if done < total then
  emit(id, 'progress')
else
  transition(id, 'reporting', 0)
  put(ARGV[8])
end
return done
"""
)

#: ARGV: prefix, dramatiq, id, installation, how many of its reviews may run at once, messages.
#: The first call for a review puts its messages now, or when its turn comes.
ADMIT = (
    PRELUDE
    + """
local review = prefix .. 'review:' .. ARGV[3]
if redis.call('HGET', review, 'state') ~= 'queued' then return 0 end
if redis.call('HSETNX', review, 'admitted', '1') == 0 then return 0 end
redis.call('HSET', review, 'installation_id', ARGV[4], 'parked', ARGV[6])
redis.call('RPUSH', prefix .. 'parked:' .. ARGV[4], ARGV[3])
start_parked(ARGV[4], tonumber(ARGV[5]) - redis.call('SCARD', prefix .. 'running:' .. ARGV[4]))
return 1
"""
)

#: ARGV: prefix, dramatiq, id, body, keep seconds. Nothing is kept for a finished review.
SAVE_SCAN = (
    PRELUDE
    + """
local state = redis.call('HGET', prefix .. 'review:' .. ARGV[3], 'state')
if not state or finished[state] then return 0 end
redis.call('SET', prefix .. 'scan:' .. ARGV[3], ARGV[4], 'EX', ARGV[5])
return 1
"""
)

#: ARGV: prefix, dramatiq, now and the age of a dead worker's last sign in milliseconds, queues.
#: Returns how many messages of dead workers went back to their queues.
#: Does for all queues at once what dramatiq/brokers/redis/dispatch.lua does by chance.
REQUEUE_LOST = (
    PRELUDE
    + """
local heartbeats, requeued = dramatiq .. ':__heartbeats__', 0
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', heartbeats, 0, ARGV[3] - ARGV[4])) do
  for i = 5, #ARGV do
    local acks = dramatiq .. ':__acks__.' .. worker .. '.' .. ARGV[i]
    local queue = dramatiq .. ':' .. ARGV[i]
    for _, message in ipairs(redis.call('SMEMBERS', acks)) do
      if redis.call('HEXISTS', queue .. '.msgs', message) == 1 then
        redis.call('RPUSH', queue, message)
        requeued = requeued + 1
      end
    end
    redis.call('DEL', acks)
  end
  redis.call('ZREM', heartbeats, worker)
end
return requeued
"""
)
