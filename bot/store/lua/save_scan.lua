-- Keep what the scan found; nothing is kept for a finished review.
-- id, keep; ARGV[2] is the compressed scan.

local state = redis.call('HGET', key.review:format(args.id), 'state')
if state and not finished[state] then
  redis.call('SET', key.scan:format(args.id), ARGV[2], 'EX', args.keep)
end
