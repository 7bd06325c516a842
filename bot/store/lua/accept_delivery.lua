-- Queue what a delivery asks for, once.
-- guid, messages, seconds to remember it; content (a name for what it says) and content_seconds to
-- remember that, under whatever guid it comes again; audit: a line of the audit log; installation and max_concurrent; without an
-- installation it waits for nobody. Returns 1 when it was queued, 0 when it was before.

if redis.call('EXISTS', key.delivery:format(args.guid)) == 1 then return 0 end
if args.content and not redis.call('SET', key.delivery_content:format(args.content), args.guid,
    'NX', 'EX', args.content_seconds) then
  return 0
end
redis.call('SET', key.delivery:format(args.guid), '1', 'EX', args.seconds)
record(args.audit)
if not args.installation then
  put(args.messages)
  return 1
end
redis.call('RPUSH', key.queued_deliveries:format(args.installation), cjson.encode(args.messages))
redis.call('SADD', key.QUEUED_DELIVERIES, args.installation)
start_deliveries(args.installation, args.max_concurrent)
return 1
