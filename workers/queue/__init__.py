"""Everything that knows Dramatiq: its broker on Redis, actors, retries, shutdown, lost messages.

Only this folder, `workers.actors` and `workers.main` import it. pyproject.toml bounds its version,
because these things are not promised by it:

- `broker`: the class `_RedisConsumer` and the method `RedisBroker._dispatch`. They could go if
  Dramatiq took every error of redis for a lost connection, and put a retry again that Redis did
  not take instead of dropping it.
- `lost_messages`: `Worker.consumers` and `work_queue`, a consumer's `delay_queue` and
  `message_cache`, `RedisBroker.do_requeue`, and the keys `__acks__` and `__heartbeats__`. They
  could go if Dramatiq gave back what a living worker took and does not know of.
- `workers.main` sets `Worker.queue_prefetch`, for which Dramatiq has an environment variable only.
- `bot.store.queues` writes and reads messages as Dramatiq's script `dispatch.lua` does: state and
  message change in one step, which no broker's interface offers.
"""
