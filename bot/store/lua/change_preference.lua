-- Change or remove a preference, unless somebody else has done so since it was read.
-- preferences is a key; number, as text; before: as it was read; after: as it is to be kept, or
-- nothing to remove it; removed: a key that says for so many seconds that a request has removed
-- one, or nothing; audit: a line of the audit log, or nothing.
-- Returns whether it was done.

if redis.call('HGET', args.preferences, args.number) ~= args.before then return false end
if args.after then
  redis.call('HSET', args.preferences, args.number, args.after)
else
  redis.call('HDEL', args.preferences, args.number)
end
if args.removed then redis.call('SET', args.removed, 1, 'EX', args.seconds) end
record(args.audit)
return true
