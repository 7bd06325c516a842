-- Keep a preference under the next number of its repository.
-- preferences and repositories are keys; repository is the field of the latter, name its value;
-- preference: as it is kept; text and paths: by which it is known as one that is there; most: so
-- many at most; audit: a line of the audit log.
-- Returns its number, that of the same one if there is one, 0 where there is no room.

local kept = redis.call('HGETALL', args.preferences)
local size = 0
for index = 1, #kept, 2 do
  if kept[index] ~= 'newest' then
    local other = cjson.decode(kept[index + 1])
    if other.text == args.text and cjson.encode(other.paths) == cjson.encode(args.paths) then
      return tonumber(kept[index])
    end
    size = size + 1
  end
end
if size >= args.most then return 0 end
local number = redis.call('HINCRBY', args.preferences, 'newest', 1)
redis.call('HSET', args.preferences, number, args.preference)
redis.call('HSET', args.repositories, args.repository, args.name)
record(args.audit)
return number
