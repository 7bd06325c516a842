-- Note that suppressions have covered a finding, unless somebody has taken them back.
-- suppressions is their key; used: fingerprint -> the suppression as it is to be kept.

for fingerprint, suppression in pairs(args.used) do
  if redis.call('HEXISTS', args.suppressions, fingerprint) == 1 then
    redis.call('HSET', args.suppressions, fingerprint, suppression)
  end
end
