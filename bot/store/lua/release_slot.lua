-- Give a slot back, or wait for none any more.
-- endpoint, me.

for _, pattern in ipairs({key.llm_leases, key.llm_waiters, key.llm_polls}) do
  redis.call('ZREM', pattern:format(args.endpoint), args.me)
end
