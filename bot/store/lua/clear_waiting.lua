-- Start nothing after a review; what waited for its end gives its place in the quota back.
-- id, quota (key of the day's reviews).

local after = key.after:format(args.id)
for _, waiting in ipairs(redis.call('HKEYS', after)) do redis.call('SREM', args.quota, waiting) end
redis.call('DEL', after)
