-- Let the scan of a queued review begin now, or when it gets a slot.
-- id, installation, max_concurrent reviews of it, messages. Returns 1 for the first call.

local review = key.review:format(args.id)
if redis.call('HGET', review, 'state') ~= 'queued' then return 0 end
if redis.call('HSETNX', review, 'admitted', '1') == 0 then return 0 end
redis.call('HSET', review, 'installation_id', args.installation,
  'parked', cjson.encode(args.messages))
redis.call('RPUSH', key.parked:format(args.installation), args.id)
local running = redis.call('SCARD', key.running:format(args.installation))
start_parked(args.installation, args.max_concurrent - running)
return 1
