-- Keep the result of a batch, once; the last one to come in moves the review to `reporting` and
-- sends the messages, once.
-- id, number, files and findings in it, percent_before and percent_after (of all batches),
-- messages; ARGV[2] is the compressed result.
-- Returns how many are in, or -1 when nobody waits for it.

local review, results = key.review:format(args.id), key.results:format(args.id)
if redis.call('HGET', review, 'state') ~= 'analyzing' then return -1 end
if redis.call('HSETNX', results, args.number, ARGV[2]) == 0 then
  return redis.call('HLEN', results)
end
local done, total = redis.call('HLEN', results), tonumber(redis.call('HGET', review, 'batches'))
redis.call('HINCRBY', review, 'files_done', args.files)
redis.call('HINCRBY', review, 'findings', args.findings)
local percent = args.percent_before
  + math.floor((args.percent_after - args.percent_before) * done / total)
redis.call('HSET', review, 'percent', percent)
if done < total then
  emit(args.id, 'progress')
else
  transition(args.id, 'reporting', 0)
  put(args.messages)
end
return done
