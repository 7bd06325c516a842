"""Every message has a function that does its work, and every function its messages."""

from bot.store import QUEUE_OF
from workers.actors import ACTORS


def test_each_message_has_an_actor() -> None:
    assert ACTORS.keys() == QUEUE_OF.keys()
