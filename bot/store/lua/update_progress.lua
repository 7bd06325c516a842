-- id, percent, fields. Percent never falls; a finished review does not change.
-- Returns 1 when it was told to those who watch.

local review = key.review:format(args.id)
local state = redis.call('HGET', review, 'state')
if not state or finished[state] then return 0 end
set(args.id, args.fields)
local before = tonumber(redis.call('HGET', review, 'percent') or '0')
redis.call('HSET', review, 'percent', math.max(args.percent, before))
emit(args.id, 'progress')
return 1
