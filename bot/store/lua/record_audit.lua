-- fields: name and value by turns; once: name of what it tells, which is told once, or nothing;
-- seconds to remember that. Returns 1 if it was written.

if args.once then
  local seen = key.audited:format(args.once)
  if not redis.call('SET', seen, 1, 'EX', args.seconds, 'NX') then return 0 end
end
redis.call('XADD', key.AUDIT, '*', unpack(args.fields))
return 1
