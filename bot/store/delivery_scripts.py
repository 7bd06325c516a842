"""The Lua that queues deliveries: each once, and so many of one installation at a time."""

from bot.store.scripts import PRELUDE

_START_DELIVERIES = (
    PRELUDE
    + """
-- Give turns to an installation's deliveries. A turn ends with its message: what is no
-- longer in the queue's bodies was acknowledged, whatever became of its worker.
local function start_deliveries(installation, max_concurrent)
  local active_deliveries = prefix .. 'active_deliveries:' .. installation
  local queued_deliveries = prefix .. 'queued_deliveries:' .. installation
  for _, id in ipairs(redis.call('SMEMBERS', active_deliveries)) do
    if redis.call('HEXISTS', dramatiq .. ':events.msgs', id) == 0 then
      redis.call('SREM', active_deliveries, id)
    end
  end
  while redis.call('SCARD', active_deliveries) < max_concurrent do
    local messages = redis.call('LPOP', queued_deliveries)
    if not messages then return redis.call('SREM', prefix .. 'queued_deliveries', installation) end
    put(messages)
    for _, m in ipairs(cjson.decode(messages)) do redis.call('SADD', active_deliveries, m[2]) end
  end
end
"""
)

#: ARGV: prefix, dramatiq, seconds to remember deliveries, how many of an installation may be
#: handled at once, then of each delivery: guid, messages, installation or '0'.
#: Returns for each 1 when it was queued, 0 when that delivery was queued before.
ACCEPT = (
    _START_DELIVERIES
    + """
local seconds, max_concurrent = ARGV[3], tonumber(ARGV[4])
local answers, to_start = {}, {}
for i = 5, #ARGV, 3 do
  local guid, messages, installation = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not redis.call('SET', prefix .. 'delivery:' .. guid, '1', 'NX', 'EX', seconds) then
    answers[#answers + 1] = 0
  else
    answers[#answers + 1] = 1
    if installation == '0' then
      put(messages)
    else
      redis.call('RPUSH', prefix .. 'queued_deliveries:' .. installation, messages)
      to_start[installation] = true
    end
  end
end
for installation in pairs(to_start) do
  redis.call('SADD', prefix .. 'queued_deliveries', installation)
  start_deliveries(installation, max_concurrent)
end
return answers
"""
)

#: ARGV: prefix, dramatiq, how many at once, installations.
NEXT_DELIVERIES = (
    _START_DELIVERIES
    + """
for i = 4, #ARGV do start_deliveries(ARGV[i], tonumber(ARGV[3])) end
"""
)
