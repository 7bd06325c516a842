"""What Sentry is told of an error, at a real client's door: where and of what type, no text."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bot.config.settings import Settings, SettingsError
from bot.telemetry import log, sentry
from tests.support.ingest import Ingest
from tests.support.logs import production_log
from tests.support.secret_shapes import SHAPES

CODE = "wombat_of_the_month"
SECRET = SHAPES["github app"]


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as ingest:
        settings = Settings(_env_file=None, sentry_dsn=ingest.dsn)
        with production_log(settings):
            sentry.configure(settings, "work")
            yield ingest
            sentry.shutdown()


def broken(code: str) -> None:
    secret = SECRET
    raise ValueError(f"{code} does not parse, and {secret} is no token")


def exceptions_sent(ingest: Ingest) -> list[dict[str, Any]]:
    """The events, once they have all arrived."""
    sentry.shutdown()
    return ingest.events()


def test_an_error_is_reported_with_its_place_and_ids_and_without_its_text(ingest: Ingest) -> None:
    with log.bound(review="01J", title=CODE):
        try:
            broken(CODE)
        except ValueError as exc:
            log.get("workers.review.stage").error("stage_failed", why=str(exc), exc_info=exc)
    [event] = exceptions_sent(ingest)
    [exception] = event["exception"]["values"]
    assert (event["message"], event["logger"]) == ("stage_failed", "workers.review.stage")
    assert event["tags"] == {"review": "01J", "process": "work"}
    assert exception["type"] == "ValueError"
    assert [frame["function"] for frame in exception["stacktrace"]["frames"]] == [
        "test_an_error_is_reported_with_its_place_and_ids_and_without_its_text",
        "broken",
    ]
    sent = json.dumps(event)
    assert CODE not in sent
    assert SECRET not in sent
    assert "server_name" not in event


def test_library_messages_are_not_reported(ingest: Ingest) -> None:
    logging.getLogger("asyncio").error("Task %s failed", CODE)
    [event] = exceptions_sent(ingest)
    assert event["message"] == "an error of asyncio"
    assert CODE not in json.dumps(event)


def test_a_warning_is_not_reported(ingest: Ingest) -> None:
    log.get("workers.review.stage").warning("stage_will_retry")
    assert exceptions_sent(ingest) == []


def test_uncaught_errors_are_reported_as_fatal(ingest: Ingest) -> None:
    try:
        broken(CODE)
    except ValueError as exc:
        log.get("uncaught").critical("uncaught", exc_info=(type(exc), exc, exc.__traceback__))
    [event] = exceptions_sent(ingest)
    assert event["level"] == "fatal"


def test_what_the_client_would_add_is_dropped() -> None:
    """Whatever another version of the client collects, only known fields are sent."""
    event = {
        "message": f"token {SECRET}",
        "extra": {"line": CODE},
        "request": {"data": CODE},
        "exception": {"values": [{"type": "KeyError", "value": CODE, "mechanism": {"data": CODE}}]},
    }
    assert sentry.scrubbed(event) == {
        "message": "token [redacted:github-token]",
        "exception": {"values": [{"type": "KeyError", "module": None}]},
    }


def test_an_invalid_dsn_is_reported_without_its_value() -> None:
    with pytest.raises(SettingsError, match="SENTRY_DSN is not a valid DSN") as caught:
        sentry.configure(Settings(_env_file=None, sentry_dsn="hunter2"), "work")
    assert "hunter2" not in str(caught.value)
