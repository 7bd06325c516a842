-- format: the one that we write. Returns the newest that was written here, ours if there is none,
-- and notes ours where it is newer and we can read what is there.

local written = tonumber(redis.call('GET', key.FORMAT) or args.format)
if args.format >= written and args.format <= written + 1 then
  redis.call('SET', key.FORMAT, args.format)
end
return written
