-- What every script begins with. `bot.store.lua.scripts` writes before this:
--
--   local key = {...}  a pattern of each key that the script uses, by its name in bot.store.keys
--
-- A script has one argument, a JSON object, here `args`. What JSON can't carry, for it is no
-- UTF-8 (compressed bodies), follows as ARGV[2] and on. Messages are arrays of arrays: queue, id,
-- body. Scripts return facts: sentences for people and names of metrics are written in Python.

local args = cjson.decode(ARGV[1])

local finished = {completed = true, failed = true, cancelled = true, superseded = true}

-- The clock of Redis, in milliseconds.
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A delayed message is due by the clock of Redis: `eta` is negative until it is put, the delay in
-- milliseconds. (Texts within the body have their quotes escaped.)
local function put(messages)
  for _, message in ipairs(messages) do
    local queue, id, body = unpack(message)
    local delay = body:match('"eta":%-(%d+)')
    if delay then
      body = body:gsub('"eta":%-%d+', ('"eta":%d'):format(milliseconds() + delay), 1)
    end
    redis.call('HSET', key.queue_messages:format(queue), id, body)
    redis.call('RPUSH', key.queue:format(queue), id)
  end
end

-- Add a line to the audit log, if there is one, with what the script does; its id, or '' for none.
-- line: fields, name and value by turns; once: name of what it tells, which is told once, or
-- nothing; seconds to remember that.
local function record(line)
  if not line then return '' end
  if line.once and not redis.call('SET', key.audited:format(line.once), 1, 'EX', line.seconds,
      'NX') then
    return ''
  end
  return redis.call('XADD', key.AUDIT, '*', unpack(line.fields))
end

local function set(id, fields)
  for name, value in pairs(fields) do
    redis.call('HSET', key.review:format(id), name, value)
  end
end

-- Tell those who watch how the review is now; `bot.store.events` reads it.
local function emit(id, kind)
  local v = redis.call('HMGET', key.review:format(id), 'state', 'percent', 'activity', 'amount',
    'files_total', 'files_done', 'findings', 'error', 'result')
  local data = {state = v[1], percent = tonumber(v[2] or '0'), activity = v[3] or nil,
    amount = tonumber(v[4] or '0'), files_total = tonumber(v[5] or '0'),
    files_done = tonumber(v[6] or '0'), findings = tonumber(v[7] or '0'), error = v[8] or nil}
  if v[9] and v[1] == 'completed' then data.result = cjson.decode(v[9]) end
  redis.call('XADD', key.events:format(id), 'MAXLEN', '~', '1000', '*',
    'type', kind, 'data', cjson.encode(data))
end

-- Give slots to parked reviews of an installation, up to so many.
local function start_parked(installation, slots)
  local parked = key.parked:format(installation)
  while slots > 0 do
    local id = redis.call('LPOP', parked)
    if not id then return end
    local review = key.review:format(id)
    local messages = redis.call('HGET', review, 'parked')
    if messages then
      redis.call('HDEL', review, 'parked')
      redis.call('SADD', key.running:format(installation), id)
      put(cjson.decode(messages))
      slots = slots - 1
    end
  end
end

local function release(id)
  local installation = redis.call('HGET', key.review:format(id), 'installation_id')
  if installation and redis.call('SREM', key.running:format(installation), id) == 1 then
    start_parked(installation, 1)
  end
end

-- Bring a review into a state; what ends with the review ends here. It and its events are kept
-- for `keep` seconds after its end.
local function transition(id, state, keep)
  local review = key.review:format(id)
  redis.call('HSET', review, 'state', state)
  redis.call('HDEL', review, 'parked')  -- whatever moves waits for no slot any more
  if not finished[state] then return emit(id, 'progress') end
  redis.call('ZREM', key.ACTIVE, id)
  if state ~= 'completed' then
    redis.call('ZADD', key.ENDING, redis.call('TIME')[1], id)
  end
  release(id)
  redis.call('HINCRBY', key.ENDED_REVIEWS, state, 1)
  redis.call('HSET', review, 'finished_at', redis.call('TIME')[1])
  emit(id, state == 'superseded' and 'cancelled' or state)
  redis.call('DEL', key.batches:format(id), key.results:format(id), key.scan:format(id))
  redis.call('EXPIRE', review, keep)
  redis.call('EXPIRE', key.events:format(id), keep)
  local after = key.after:format(id)
  local waiting = redis.call('HKEYS', after)
  table.sort(waiting)  -- ids: oldest first
  for _, name in ipairs(waiting) do put(cjson.decode(redis.call('HGET', after, name))) end
  redis.call('DEL', after)
end

-- Give turns to an installation's deliveries, so many at once. A turn ends with its message: what
-- is no longer in the queue's bodies was acknowledged, whatever became of its worker.
local function start_deliveries(installation, max_concurrent)
  local active = key.active_deliveries:format(installation)
  local queued = key.queued_deliveries:format(installation)
  for _, id in ipairs(redis.call('SMEMBERS', active)) do
    if redis.call('HEXISTS', key.queue_messages:format('events'), id) == 0 then
      redis.call('SREM', active, id)
    end
  end
  while redis.call('SCARD', active) < max_concurrent do
    local text = redis.call('LPOP', queued)
    if not text then return redis.call('SREM', key.QUEUED_DELIVERIES, installation) end
    local messages = cjson.decode(text)
    put(messages)
    for _, message in ipairs(messages) do redis.call('SADD', active, message[2]) end
  end
end
