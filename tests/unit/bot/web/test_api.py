"""The REST API: what it answers, to whom, and that its description is true."""

import asyncio
import json
import time
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from bot.config.settings import Settings
from bot.domain.model import Repository, State
from bot.domain.report_format import ReportFormat
from bot.security.links import Purpose, sign
from bot.security.signing import signing_keys
from bot.store import QUEUES, Store, keys
from bot.web.api import reviews
from bot.web.app import create_app
from tests.support.preferences import keep_preference
from tests.support.web_server import TOKEN, complete, open_review, serving

OTHERS = Repository(installation_id=8, id=99, full_name="other/private")

Headers = dict[str, str]


async def queued(store: Store) -> list[dict[str, Any]]:
    bodies: list[Any] = []
    for queue in QUEUES:
        bodies += await store.redis.hvals(keys.queue_messages(queue))
    return [json.loads(body) for body in bodies]


async def test_a_review_is_started(web: httpx2.AsyncClient, store: Store, admin: Headers) -> None:
    request_body = {"repository": "octo/demo", "number": 12, "full": True, "focus": "security"}
    request_body |= {"effort": "deep"}
    answer = await web.post("/api/reviews", json=request_body, headers=admin)
    assert answer.status_code == 202
    started = answer.json()
    assert answer.headers["Location"] == f"/api/reviews/{started['id']}"
    [queued_messages] = await queued(store)
    assert queued_messages["actor_name"] == "start_review"
    assert queued_messages["args"] == [
        "octo/demo",
        12,
        started["id"],
        "admin",
        True,
        "security",
        "deep",
    ]


async def test_a_repeated_start_with_one_key_starts_one_review(
    web: httpx2.AsyncClient, store: Store, admin: Headers
) -> None:
    headers = {**admin, "Idempotency-Key": "deploy-77"}
    request_body = {"repository": "octo/demo", "number": 12}
    answers = await asyncio.gather(
        *(web.post("/api/reviews", json=request_body, headers=headers) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await queued(store)) == 1
    other = await web.post("/api/reviews", json={**request_body, "number": 13}, headers=headers)
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (b"not json", 422),
        (b'{"repository": "octo/demo", "number": 0}', 422),
        (b'{"repository": "../../etc", "number": 1}', 422),
        (b'{"repository": "octo/demo", "number": 1, "event": "APPROVE"}', 422),
        (b" " * 20_000, 413),
    ],
)
async def test_an_invalid_review_request_is_a_problem_response(
    web: httpx2.AsyncClient, store: Store, admin: Headers, body: bytes, status: int
) -> None:
    headers = {**admin, "Content-Type": "application/json"}
    answer = await web.post("/api/reviews", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert await queued(store) == []


async def test_reviews_are_listed_newest_first_by_pages(
    web: httpx2.AsyncClient, store: Store, admin: Headers
) -> None:
    made = [(await open_review(store, number=n)).id for n in range(1, 8)]
    seen, path = [], "/api/reviews?limit=3"
    while path:
        page = (await web.get(path, headers=admin)).json()
        seen.append([item["id"] for item in page["items"]])
        path = page["next"]
    assert [len(ids) for ids in seen] == [3, 3, 1]
    assert [one for ids in seen for one in ids] == made[::-1]


async def test_lists_are_filtered_by_repository_number_and_state(
    web: httpx2.AsyncClient, store: Store, admin: Headers
) -> None:
    done, running = await open_review(store), await open_review(store, number=13)
    elsewhere = await open_review(store, repository=OTHERS)
    await complete(store, done)

    async def ids(query: str) -> set[str]:
        answer = await web.get(f"/api/reviews?{query}", headers=admin)
        return {item["id"] for item in answer.json()["items"]}

    assert await ids("repository=Octo/Demo") == {done.id, running.id}
    assert await ids("state=completed") == {done.id}
    assert await ids("state=queued&repository=other/private") == {elsewhere.id}
    assert await ids("number=13") == {running.id}
    assert await ids("number=12") == {done.id, elsewhere.id}
    assert await ids("number=12&repository=octo/demo") == {done.id}
    page = (await web.get("/api/reviews?number=12&limit=1", headers=admin)).json()
    assert await ids(page["next"].partition("?")[2]) == {done.id}, "the next page has the same"
    for wrong in (
        "number=0",
        "number=x",
        "number=",
        "number=2147483648",
        "limit=0",
        "limit=x",
        "state=asleep",
        "cursor=x",
        "cursor=nan:1",
    ):
        assert (await web.get(f"/api/reviews?{wrong}", headers=admin)).status_code == 422


async def test_reviews_that_expired_are_not_listed(
    web: httpx2.AsyncClient, store: Store, admin: Headers
) -> None:
    finished_review, kept = await open_review(store), await open_review(store, number=13)
    await store.redis.delete(keys.review(finished_review.id))
    page = (await web.get("/api/reviews", headers=admin)).json()
    assert [item["id"] for item in page["items"]] == [kept.id]


async def test_one_review_returns_its_cost_and_reports_and_no_score(
    web: httpx2.AsyncClient, store: Store, admin: Headers
) -> None:
    review = await open_review(store)
    await complete(store, review)
    review_json = (await web.get(f"/api/reviews/{review.id}", headers=admin)).json()
    assert (review_json["status"], review_json["tokens"]) == ("completed", 19_016)
    assert "score" not in review_json
    assert review_json["cost"] == pytest.approx(0.0412)
    assert set(review_json["reports"]) == set(ReportFormat)
    assert review_json["finished_at"] >= review.created_at - 1


async def test_a_review_is_cancelled_once(
    web: httpx2.AsyncClient, store: Store, admin: Headers
) -> None:
    review = await open_review(store)
    answer = await web.delete(f"/api/reviews/{review.id}", headers=admin)
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert await store.reviews.state(review.id) is State.CANCELLED
    [concluded] = await queued(store)
    assert (concluded["actor_name"], concluded["args"]) == ("conclude_review", [review.id])
    assert (await web.delete(f"/api/reviews/{review.id}", headers=admin)).status_code == 409


async def test_unauthenticated_clients_are_refused_everywhere(
    web: httpx2.AsyncClient, store: Store
) -> None:
    review = await open_review(store)
    await complete(store, review)
    path = f"/api/reviews/{review.id}"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        assert (await web.get("/api/reviews", headers=headers)).status_code == 401
        assert (await web.post("/api/reviews", json={}, headers=headers)).status_code == 401
        assert (await web.get(path, headers=headers)).status_code == 401
        assert (await web.delete(path, headers=headers)).status_code == 401
        assert (await web.get(f"{path}/report.json", headers=headers)).status_code == 404


def report_path(settings: Settings, review_id: str, form: str, **changed: Any) -> str:
    values: dict[str, Any] = {
        "purpose": Purpose.REPORT,
        "of": review_id,
        "expires": int(time.time()) + 60,
    }
    values |= changed
    key = signing_keys(settings)[0]
    value = sign(key, values["purpose"], values["of"], values["expires"])
    return f"/api/reviews/{review_id}/report.{form}?key={value}"


async def test_a_stored_rendering_is_given_with_its_type(
    web: httpx2.AsyncClient, store: Store, settings: Settings
) -> None:
    review = await open_review(store)
    await complete(store, review)
    for form in ReportFormat:
        await store.stage_data.save_rendering(review.id, form, form.encode())
        answer = await web.get(report_path(settings, review.id, form))
        assert (answer.status_code, answer.content) == (200, form.encode())
        assert answer.headers["Content-Type"] == form.media_type
        assert f"octo-demo-12.{form}" in answer.headers["Content-Disposition"]
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert await queued(store) == []


async def test_a_missing_rendering_is_requested_once_and_awaited(
    web: httpx2.AsyncClient, store: Store, settings: Settings
) -> None:
    review = await open_review(store)
    await complete(store, review)
    asking = [
        asyncio.create_task(web.get(report_path(settings, review.id, "pdf"))) for _ in range(3)
    ]
    async with asyncio.timeout(5):
        while not (queued_messages := await queued(store)):
            await asyncio.sleep(0.01)
    await store.stage_data.save_rendering(review.id, ReportFormat.PDF, b"%PDF")
    assert [answer.content for answer in await asyncio.gather(*asking)] == [b"%PDF"] * 3
    assert [(m["actor_name"], m["args"]) for m in queued_messages] == [
        ("render_report", [review.id, "pdf"])
    ]
    assert len(await queued(store)) == 1


async def test_a_user_who_would_wait_too_long_is_asked_to_retry(
    web: httpx2.AsyncClient, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "WAIT_SECONDS", 0.2)
    review = await open_review(store)
    await complete(store, review)
    answer = await web.get(report_path(settings, review.id, "html"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "2")


async def test_a_review_under_way_has_no_report_yet(
    web: httpx2.AsyncClient, store: Store, settings: Settings
) -> None:
    review = await open_review(store)
    path = report_path(settings, review.id, "json")
    assert (await web.get(path)).status_code == 409
    await store.reviews.move(review.id, State.FAILED, from_states=[State.QUEUED])
    assert (await web.get(path)).status_code == 404


async def test_a_wrong_link_and_an_unknown_review_are_the_same_404(
    web: httpx2.AsyncClient, store: Store, settings: Settings
) -> None:
    review = await open_review(store)
    await complete(store, review)
    await store.stage_data.save_rendering(review.id, ReportFormat.JSON, b"{}")
    answers = [
        await web.get(path)
        for path in (
            report_path(settings, review.id, "json", of="other"),
            report_path(settings, review.id, "json", purpose=Purpose.PAGE),
            report_path(settings, review.id, "json", expires=1),
            report_path(settings, review.id, "exe"),
            report_path(settings, "01JUNKNOWN", "json"),
        )
    ]
    assert {(a.status_code, a.content) for a in answers} == {(404, answers[0].content)}


async def test_a_redis_outage_is_explained(admin: Headers, settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
    ):
        answer = await web.get("/api/reviews", headers=admin)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "5"


async def test_the_description_is_true(settings: Settings, store: Store, admin: Headers) -> None:
    """schemathesis sends what the description allows, and what it does not."""
    await complete(store, await open_review(store))
    await open_review(store, number=13)
    await keep_preference(store)
    async with serving(create_app(settings)) as address:
        called = await asyncio.to_thread(_call_everything, f"http://{address}", admin)
    assert called == 10


def _call_everything(address: str, headers: Headers) -> int:
    """How many operations answered as described. Raises what schemathesis finds."""
    import schemathesis  # it takes as long as a hundred tests, and not every run has this one

    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
    found: Any = schema.get_all_operations()
    operations = [result.ok() for result in found]
    for operation in operations:

        @hypothesis_settings(
            max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            case.call_and_validate(base_url=address, headers=headers)

        check()
    return len(operations)
