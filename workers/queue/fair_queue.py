"""A delivery that was handled gives its turn to the next one of its installation."""

from typing import Any

from dramatiq.middleware import Middleware

from bot.store import RedisError, start_next_delivery
from bot.telemetry import log

_log = log.get(__name__)


class FairQueue(Middleware):
    """Runs once the message is acknowledged, so that a turn is never given twice; one that is
    not given, for its worker died just then, is given by the maintenance."""

    def after_ack(self, broker: Any, message: Any) -> None:
        if message.actor_name != "handle_delivery":
            return
        repository = message.args[0].get("repository")
        if not repository:
            return
        try:
            start_next_delivery(broker.client, repository["installation_id"])
        except RedisError as exc:
            _log.warning("next_delivery_not_started", why=type(exc).__name__)

    after_nack = after_ack
