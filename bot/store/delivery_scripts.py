"""The Lua that queues deliveries: each once, and so many of one installation at a time."""

from bot.store.scripts import PRELUDE

_HEAR = (
    PRELUDE
    + """
-- Give turns to an installation's deliveries. A turn ends with its message: what is no
-- longer in the queue's bodies was acknowledged, whatever became of its worker.
local function hear(installation, at_once)
  local heard = prefix .. 'heard:' .. installation
  local unheard = prefix .. 'unheard:' .. installation
  for _, id in ipairs(redis.call('SMEMBERS', heard)) do
    if redis.call('HEXISTS', dramatiq .. ':events.msgs', id) == 0 then
      redis.call('SREM', heard, id)
    end
  end
  while redis.call('SCARD', heard) < at_once do
    local messages = redis.call('LPOP', unheard)
    if not messages then return redis.call('SREM', prefix .. 'unheard', installation) end
    put(messages)
    for _, m in ipairs(cjson.decode(messages)) do redis.call('SADD', heard, m[2]) end
  end
end
"""
)

#: ARGV: prefix, dramatiq, seconds to remember deliveries, how many of an installation may be
#: handled at once, then of each delivery: guid, messages, installation or '0'.
#: Returns for each 1 when it was queued, 0 when that delivery was queued before.
ACCEPT = (
    _HEAR
    + """
local seconds, at_once = ARGV[3], tonumber(ARGV[4])
local answers, to_hear = {}, {}
for i = 5, #ARGV, 3 do
  local guid, messages, installation = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not redis.call('SET', prefix .. 'delivery:' .. guid, '1', 'NX', 'EX', seconds) then
    answers[#answers + 1] = 0
  else
    answers[#answers + 1] = 1
    if installation == '0' then
      put(messages)
    else
      redis.call('RPUSH', prefix .. 'unheard:' .. installation, messages)
      to_hear[installation] = true
    end
  end
end
for installation in pairs(to_hear) do
  redis.call('SADD', prefix .. 'unheard', installation)
  hear(installation, at_once)
end
return answers
"""
)

#: ARGV: prefix, dramatiq, how many at once, installations.
NEXT_DELIVERIES = (
    _HEAR
    + """
for i = 4, #ARGV do hear(ARGV[i], tonumber(ARGV[3])) end
"""
)
