-- queue, id, body (with which it is tried again), audit: a line of the audit log. Returns 1 when it was put back, once.

if redis.call('ZREM', key.dead_letters:format(args.queue), args.id) == 0 then return 0 end
redis.call('HDEL', key.dead_letter_messages:format(args.queue), args.id)
record(args.audit)
put({{args.queue, args.id, args.body}})
return 1
