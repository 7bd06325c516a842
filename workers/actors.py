"""Every actor, and the function that does its work: the whole story on one screen.

All of them may run twice, die anywhere, or come late; what makes that safe stands in
`workers.review.stage` and in the store's scripts. The arguments of each are those of the messages
that `bot.store.message` makes, after the services and the attempt.
"""

from collections.abc import Callable, Mapping

from dramatiq import Broker

from bot.config.settings import Settings
from workers.events.api_start import start_named_review
from workers.events.commands.dismiss import dismiss_finding
from workers.events.commands.remember import propose_preference
from workers.events.commands.review import start_queued_review
from workers.events.dispatch import handle_delivery
from workers.events.questions import answer_question
from workers.queue.actor import Function, declare_actor
from workers.queue.shutdown import Running
from workers.review.analyze import analyze_batch
from workers.review.conclude import conclude_review
from workers.review.notifications import notify
from workers.review.publish import publish_review, render_report
from workers.review.scan import scan_review
from workers.services import Services

ACTORS: Mapping[str, Function] = {
    "handle_delivery": handle_delivery,
    "start_review": start_named_review,
    "start_queued_review": start_queued_review,
    "dismiss_finding": dismiss_finding,
    "scan_review": scan_review,
    "analyze_batch": analyze_batch,
    "publish_review": publish_review,
    "conclude_review": conclude_review,
    "render_report": render_report,
    "answer_question": answer_question,
    "propose_preference": propose_preference,
    "notify": notify,
}


def declare_actors(
    broker: Broker, settings: Settings, services: Callable[[], Services], running: Running
) -> None:
    """Declare all of them; `services` gives what they work with, once open, and `running` knows
    what is under way."""
    for name, function in ACTORS.items():
        declare_actor(broker, name, function, settings=settings, services=services, running=running)
