"""One trace for each review, over web, queues and workers, at a real collector's door."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from ulid import ULID

from bot.config.settings import Settings
from bot.domain.model import State
from bot.telemetry import tracing
from tests.flows.environment import running
from tests.support.ingest import Ingest, SpanSeen
from tests.support.llm_server import LLMServer, agreeable
from tests.support.secret_shapes import SHAPES

#: Stands for all code under review, in whatever form.
CODE = "wombat_of_the_month"
SECRET = SHAPES["github personal"]
BEFORE = {"app.py": "x = 1\n"}
AFTER = {
    "app.py": f"import subprocess\n{CODE} = '{SECRET}'\nsubprocess.call(input(), shell=True)\n"
}


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as ingest:
        settings = Settings(
            _env_file=None,
            otel_exporter_otlp_endpoint=ingest.url,
            otel_exporter_otlp_headers="x-tenant=readers",
        )
        tracing.configure(settings, "test")
        yield ingest
        tracing.shutdown()


def above(span: SpanSeen, spans: dict[str, SpanSeen]) -> list[str]:
    """The names from a span up to the first of its trace."""
    return [span.name, *(above(spans[span.parent], spans) if span.parent else [])]


async def test_a_review_is_one_trace_from_its_delivery_to_its_report(
    ingest: Ingest, redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with (
        LLMServer(default=agreeable) as llm,
        running(
            redis_url,
            redis,
            tmp_path,
            openai_base_url=llm.url,
            openai_api_key="sk-a-key-of-the-test-itself",
            llm_model="small",
        ) as world,
    ):
        await world.open_pull(BEFORE, AFTER, title=f"Add {CODE}", body=SECRET)
        await world.settle()
        assert (await world.progress(1)).state is State.COMPLETED
        [tokens] = [list(world.sandbox.state.tokens)]
        review = (await world.store.pulls.get(world.repository.id, 1)).current
        known = [SECRET, CODE, "sk-a-key", world.sandbox.webhook_secret, "octo/hello", *tokens]
    tracing.shutdown()

    spans = {span.id: span for span in ingest.spans()}
    assert {span.trace for span in spans.values()} == {f"{int(ULID.from_str(review)):032x}"}
    [begin] = [span for span in spans.values() if not span.parent]
    assert begin.name == "accept delivery"
    [published] = [span for span in spans.values() if span.name == "publish_review"]
    assert above(published, spans) == [
        "publish_review",
        "analyze_batch",
        "scan_review",
        "handle_delivery",
        "accept delivery",
    ]
    assert published.attributes["glossator.review"] == review
    assert published.attributes["messaging.destination.name"] == "reports"
    names = Counter(span.name for span in spans.values())
    assert names["chat small"] == len(llm.requests) > 0
    assert {name for name in names if name.startswith("git ")} >= {"git fetch", "git diff"}
    assert names["analyzer ruff"] == 1
    assert names["POST /repos/*/*/pulls/*/reviews"] == 1
    [chat, *_] = [span for span in spans.values() if span.name == "chat small"]
    assert chat.attributes["gen_ai.usage.input_tokens"] == 1000

    sent = b"".join(request.body for request in ingest.received)
    assert [text for text in known if text.encode() in sent] == []
    assert {request.headers["x-tenant"] for request in ingest.received} == {"readers"}


async def test_whoever_takes_work_up_goes_on_in_the_reviews_trace(ingest: Ingest) -> None:
    review = str(ULID())
    with tracing.span("scan_review", {}, review=review):
        pass
    tracing.shutdown()
    [span] = ingest.spans()
    assert span.trace == f"{int(ULID.from_str(review)):032x}"


@pytest.mark.slow
async def test_a_review_that_another_delivery_asks_for_has_its_own_trace_and_a_link(
    ingest: Ingest,
) -> None:
    delivery, review = str(ULID()), str(ULID())
    with tracing.span("accept delivery", {}, review=delivery):
        parent = tracing.message_options()["traceparent"]
    with tracing.span("scan_review", {}, review=review, parent=parent):
        pass
    tracing.shutdown()
    first, second = ingest.spans()
    assert first.trace != second.trace
    assert (second.parent, second.links) == ("", (first.trace,))


async def test_only_the_type_of_an_exception_is_reported(ingest: Ingest) -> None:
    for quiet in ((), (ValueError,)):
        with (
            pytest.raises(ValueError, match=CODE),
            tracing.span("scan", {"a": SECRET, "b": None}, review=str(ULID()), expected=quiet),
        ):
            raise ValueError(CODE)
    tracing.shutdown()
    failed, expected = ingest.spans()
    assert (failed.failed, expected.failed) == (True, False)
    assert failed.attributes["error.type"] == "ValueError"
    sent = b"".join(request.body for request in ingest.received)
    assert CODE.encode() not in sent
    assert SECRET.encode() not in sent


async def test_what_belongs_to_no_review_is_not_traced(ingest: Ingest) -> None:
    with tracing.span("GET /app", {}):
        assert tracing.message_options() == {}
    with tracing.span("scan", {}, review="no ulid"):
        pass
    tracing.shutdown()
    assert [span.name for span in ingest.spans()] == ["scan"]
