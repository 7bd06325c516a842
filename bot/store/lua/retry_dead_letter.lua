-- queue, id, body (with which it is tried again). Returns 1 when it was put back, once.

if redis.call('ZREM', key.dead_letters:format(args.queue), args.id) == 0 then return 0 end
redis.call('HDEL', key.dead_letter_messages:format(args.queue), args.id)
put({{args.queue, args.id, args.body}})
return 1
