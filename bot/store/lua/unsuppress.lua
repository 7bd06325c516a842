-- Report a finding again.
-- fingerprint; suppressions, dismissed, posted and unsuppressed are keys, the last one of what the
-- request has taken back; seconds to remember that.
-- Returns the suppression that the request, now or at an earlier try, has taken back, '' for a
-- finding that was dismissed without one, nil for neither.

local suppression = redis.call('HGET', args.suppressions, args.fingerprint)
local here = redis.call('SREM', args.dismissed, args.fingerprint)
redis.call('SREM', args.posted, args.fingerprint)
if suppression or here == 1 then
  redis.call('HDEL', args.suppressions, args.fingerprint)
  redis.call('SET', args.unsuppressed, suppression or '', 'EX', args.seconds)
end
return redis.call('GET', args.unsuppressed)
