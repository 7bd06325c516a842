-- Open a review of a pull request's head, or find that there is nothing to open.
-- id, fields, opened_at, keep; pull and head_pulls are keys: what is kept of the pull request, and
-- the pull requests at its head; number, head, base; automatic: only for a head and base that have
-- no review yet; unfocused: it looks for all categories; follow_up: messages that start it after
-- the one that runs, which it supersedes without.
-- Returns {'opened' | 'known' | 'repeated' | 'waits', id of the review that it replaced, that
-- stands, or that it waits for, or ''}.

local id, pull, review = args.id, args.pull, key.review:format(args.id)
if redis.call('HEXISTS', review, 'state') == 1 then
  return {'known', redis.call('HGET', review, 'supersedes') or ''}
end
local function state_of(name)
  return name and redis.call('HGET', key.review:format(name), 'state')
end
local current, unfocused = unpack(redis.call('HMGET', pull, 'current', 'unfocused'))
local existing = state_of(unfocused)
if args.automatic and existing and redis.call('HGET', pull, 'head') == args.head
    and redis.call('HGET', pull, 'base') == args.base
    and existing ~= 'failed' and existing ~= 'cancelled' then
  return {'repeated', unfocused}
end
local state, supersedes = state_of(current), ''
if state and not finished[state] then
  local after = key.after:format(current)
  if args.follow_up then
    redis.call('HSET', after, id, cjson.encode(args.follow_up))
    redis.call('EXPIRE', after, args.keep)
    return {'waits', current}
  end
  supersedes = current
  redis.call('HSET', key.review:format(current), 'superseded_by', id)
  if redis.call('EXISTS', after) == 1 then  -- what waited for that one waits for this one
    redis.call('RENAME', after, key.after:format(id))
  end
  transition(current, 'superseded', args.keep)
end
redis.call('DEL', key.events:format(id))  -- of an earlier attempt, which was for leaving it
set(id, args.fields)
redis.call('HSET', review, 'supersedes', supersedes)
redis.call('HSET', pull, 'current', id)
if args.unfocused then
  redis.call('HSET', pull, 'unfocused', id, 'head', args.head, 'base', args.base)
end
redis.call('EXPIRE', pull, args.keep)
redis.call('SADD', args.head_pulls, args.number)
redis.call('EXPIRE', args.head_pulls, args.keep)
redis.call('ZADD', key.ACTIVE, args.opened_at, id)
redis.call('ZADD', key.REVIEWS, args.opened_at, id)
emit(id, 'progress')
return {'opened', supersedes}
