-- The endpoint refused a call for there were too many: halve the limit. Calls that were in flight
-- together and are all refused halve it once: only one halving a second counts.
-- endpoint, limit, recovery, pause (no call for so long); in milliseconds.

local state = key.llm_limit:format(args.endpoint)
local now = milliseconds()
local halved, since, pause = unpack(redis.call('HMGET', state, 'limit', 'since', 'pause'))
local limit = args.limit
if halved then
  limit = math.min(limit, tonumber(halved) + math.floor((now - tonumber(since)) / args.recovery))
end
if not since or now - tonumber(since) >= 1000 then
  redis.call('HSET', state, 'limit', math.max(1, math.floor(limit / 2)), 'since', now)
end
redis.call('HSET', state, 'pause', math.max(tonumber(pause or '0'), now + args.pause))
redis.call('PEXPIRE', state, 86400000)
