-- Add tokens to all of some sums, or to none.
-- sums (keys), limits (of each), tokens, seconds to keep the sums.
-- Returns 0 when they were added, else the position of a limit that forbids it.

for position, sum in ipairs(args.sums) do
  local spent = tonumber(redis.call('GET', sum) or '0')
  if spent + args.tokens > args.limits[position] then return position end
end
for _, sum in ipairs(args.sums) do
  redis.call('INCRBY', sum, args.tokens)
  redis.call('EXPIRE', sum, args.seconds)
end
return 0
