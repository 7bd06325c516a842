-- Note findings that were posted on a pull request, and what became of such, each thing once.
-- outcomes (key of the pull request's), member (its name among all pull requests), keep (seconds
-- since the last change), most (findings of one pull request that are kept).
-- posted: fingerprint -> finding as JSON text; what is posted by a later review than the one that
-- took it for fixed is back. review: who posts or looks. seen: list of {fingerprint, signal, text},
-- of findings that are known. undone: list of {fingerprint, signal}. pull: list of fields of the
-- pull request that came true (`merged`, `closed`); pull_undone: of those that no longer are.

local name = args.outcomes
local seconds, microseconds = unpack(redis.call('TIME'))
local at = seconds + microseconds / 1000000

local function join(...) return table.concat({...}, ':') end

local function count(signal, finding, by)
  local field = join(signal, finding.category, finding.severity, finding.source)
  redis.call('HINCRBYFLOAT', key.OUTCOME_COUNTS, field, by)
end

for fingerprint, text in pairs(args.posted) do
  local field = join('posted', fingerprint)
  if redis.call('HEXISTS', name, field) == 1 then
    local fixed_by = redis.call('HGET', name, join('text', 'fixed', fingerprint))
    if fixed_by and args.review > fixed_by then
      for _, signal in ipairs({'fixed', 'committed', 'outdated'}) do
        redis.call('HDEL', name, join(signal, fingerprint), join('text', signal, fingerprint))
      end
    end
  elseif redis.call('HINCRBY', name, 'count', 1) <= args.most then
    redis.call('HSET', name, field, at, join('finding', fingerprint), text)
    redis.call('ZADD', key.OUTCOME_PULLS, seconds, args.member)
    count('posted', cjson.decode(text), 1)
  end
end

for _, one in ipairs(args.seen) do
  local fingerprint, signal, text = unpack(one)
  local posted = redis.call('HGET', name, join('posted', fingerprint))
  if posted and redis.call('HSETNX', name, join(signal, fingerprint), at) == 1 then
    redis.call('HSET', name, join('text', signal, fingerprint), text)
    local finding = cjson.decode(redis.call('HGET', name, join('finding', fingerprint)))
    count(signal, finding, 1)
    if signal == 'fixed' then count('fix_seconds', finding, math.max(0, at - posted)) end
  end
end

for _, one in ipairs(args.undone) do
  redis.call('HDEL', name, join(one[2], one[1]), join('text', one[2], one[1]))
end

if redis.call('HEXISTS', name, 'count') == 1 then
  for _, field in ipairs(args.pull) do redis.call('HSETNX', name, field, at) end
  for _, field in ipairs(args.pull_undone) do redis.call('HDEL', name, field) end
  redis.call('EXPIRE', name, args.keep)
end
redis.call('ZREMRANGEBYSCORE', key.OUTCOME_PULLS, '-inf', seconds - args.keep)
