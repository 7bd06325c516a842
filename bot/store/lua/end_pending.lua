-- Nothing comes of a request for a review. Where there are events that was told before, or the
-- review has begun and tells its own end.
-- id, event (JSON text), keep, and if the head is known head_pulls (key of the pull requests at
-- it) and number; ARGV[2] is the compressed record.

redis.call('SET', key.pending:format(args.id), ARGV[2], 'EX', args.keep)
local events = key.events:format(args.id)
if redis.call('EXISTS', events) == 0 then
  redis.call('XADD', events, '*', 'type', 'failed', 'data', args.event)
  redis.call('EXPIRE', events, args.keep)
end
if args.head_pulls then
  redis.call('SADD', args.head_pulls, args.number)
  redis.call('EXPIRE', args.head_pulls, args.keep)
end
