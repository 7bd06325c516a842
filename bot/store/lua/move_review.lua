-- Bring a review from one of some states into another. One that stands on GitHub cannot fail or be
-- cancelled any more: it completes, and what is left is its check run.
-- id, from_states, to, fields, or standing for one that stands, messages, keep, audit: a line of the
-- audit log; batches: the numbers
-- of new batches, whose compressed bodies are the further ARGV. Returns 1 if it moved.

local review = key.review:format(args.id)
local state = redis.call('HGET', review, 'state')
if not state or finished[state] then return 0 end
local allowed = false
for _, from in ipairs(args.from_states) do allowed = allowed or from == state end
if not allowed then return 0 end
local to, url = args.to, redis.call('HGET', review, 'review_url')
local standing = url and url ~= '' and (to == 'failed' or to == 'cancelled')
if standing then
  to = 'completed'
  set(args.id, args.standing)
else
  set(args.id, args.fields)
end
for position, number in ipairs(args.batches) do
  redis.call('HSET', key.batches:format(args.id), number, ARGV[1 + position])
  redis.call('HINCRBY', review, 'batches', 1)
end
transition(args.id, to, args.keep)
if standing then redis.call('ZADD', key.ENDING, redis.call('TIME')[1], args.id) end
put(args.messages)
record(args.audit)
return 1
