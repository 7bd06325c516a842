-- Give the messages of dead workers back to their queues, those of all queues at once: Dramatiq's
-- own dispatch.lua does that now and then.
-- lost (a worker's last sign is older) in milliseconds, queues. The signs are of the same clock:
-- `workers.queue.broker` sees to that.
-- Returns how many messages went back.

local requeued = 0
local now = milliseconds()
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key.HEARTBEATS, 0, now - args.lost)) do
  for _, queue in ipairs(args.queues) do
    local acks = key.acks:format(worker, queue)
    for _, message in ipairs(redis.call('SMEMBERS', acks)) do
      if redis.call('HEXISTS', key.queue_messages:format(queue), message) == 1 then
        redis.call('RPUSH', key.queue:format(queue), message)
        requeued = requeued + 1
      end
    end
    redis.call('DEL', acks)
  end
  redis.call('ZREM', key.HEARTBEATS, worker)
end
return requeued
