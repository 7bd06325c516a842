-- Bring a review from one of some states into another.
-- id, from_states, to, fields, messages, keep; batches: the numbers of new batches, whose
-- compressed bodies are the further ARGV. Returns 1 if it moved.

local review = key.review:format(args.id)
local state = redis.call('HGET', review, 'state')
if not state or finished[state] then return 0 end
local allowed = false
for _, from in ipairs(args.from_states) do allowed = allowed or from == state end
if not allowed then return 0 end
set(args.id, args.fields)
for position, number in ipairs(args.batches) do
  redis.call('HSET', key.batches:format(args.id), number, ARGV[1 + position])
  redis.call('HINCRBY', review, 'batches', 1)
end
transition(args.id, args.to, args.keep)
put(args.messages)
return 1
