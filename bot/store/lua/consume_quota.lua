-- key (the day's reviews), review, quota, seconds to keep them. Returns 1 if it is one of them.

if redis.call('SISMEMBER', args.key, args.review) == 1 then return 1 end
if redis.call('SCARD', args.key) >= args.quota then return 0 end
redis.call('SADD', args.key, args.review)
redis.call('EXPIRE', args.key, args.seconds)
return 1
