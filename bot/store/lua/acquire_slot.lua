-- Ask for a slot for a call of the LLM: who asked first gets one first.
-- endpoint, me, limit (calls in flight), gap between calls, lease of a slot, recovery (the time in
-- which a halved limit gains one call), expiry of who no longer asks; all in milliseconds.
-- Returns 0 when it is granted, else the milliseconds after which asking again is worth it.

local leases, waiters = key.llm_leases:format(args.endpoint), key.llm_waiters:format(args.endpoint)
local polls, state = key.llm_polls:format(args.endpoint), key.llm_limit:format(args.endpoint)
local now = milliseconds()
redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', polls, '-inf', now - args.expiry)) do
  redis.call('ZREM', waiters, gone)
  redis.call('ZREM', polls, gone)
end
redis.call('ZADD', waiters, 'NX', redis.call('HINCRBY', state, 'ticket', 1), args.me)
redis.call('ZADD', polls, now, args.me)
for _, name in ipairs({waiters, polls, state}) do redis.call('PEXPIRE', name, 86400000) end
local halved, since, next_at, pause = unpack(
  redis.call('HMGET', state, 'limit', 'since', 'next', 'pause'))
local limit = args.limit
if halved then
  limit = math.min(limit, tonumber(halved) + math.floor((now - tonumber(since)) / args.recovery))
end
local free = limit - redis.call('ZCARD', leases)
local rank = redis.call('ZRANK', waiters, args.me)
if rank >= free then return 100 end
local at = math.max(tonumber(next_at or '0'), tonumber(pause or '0'))
if at > now then return at - now end
if rank > 0 and args.gap > 0 then return args.gap end
redis.call('ZREM', waiters, args.me)
redis.call('ZREM', polls, args.me)
redis.call('ZADD', leases, now + args.lease, args.me)
redis.call('PEXPIRE', leases, args.lease + 60000)
redis.call('HSET', state, 'next', now + args.gap)
return 0
