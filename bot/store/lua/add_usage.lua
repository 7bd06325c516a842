-- Add what a call of the LLM has used to the day and to its review. A review that is gone is not
-- made again.
-- day (key of its sums), keep, installation, review (id), calls, tokens, and cost where a price is
-- known (text, as it was reckoned).

redis.call('HINCRBY', args.day, args.installation .. ':tokens', args.tokens)
if args.cost then
  redis.call('HINCRBYFLOAT', args.day, args.installation .. ':cost', args.cost)
end
redis.call('EXPIRE', args.day, args.keep)
local review = key.review:format(args.review)
if redis.call('HEXISTS', review, 'state') == 0 then return end
redis.call('HINCRBY', review, 'calls', args.calls)
redis.call('HINCRBY', review, 'tokens', args.tokens)
if args.cost then redis.call('HINCRBYFLOAT', review, 'cost', args.cost) end
