"""The buttons on a review's own page: who sees them, what they do, and where they lead."""

import json
import re
from typing import Any

import httpx2
import pytest

from bot.config.settings import Settings
from bot.domain.model import Review, State
from bot.security.links import review_links
from bot.security.signing import signing_keys
from bot.store import QUEUES, RepositoryAccess, Session, Store, keys
from bot.web.auth.viewer import (
    SESSION_SECONDS,
    new_session_id,
    session_cookie,
)
from tests.support.web_server import complete, open_review

BUTTON = "Cancel the review"
ORIGIN = {"Origin": "http://web"}


async def person(settings: Settings, store: Store, *, write: bool) -> dict[str, str]:
    """The cookie of somebody who may read the repository."""
    granted = (RepositoryAccess(11, "octo/demo", write),)
    session = Session(new_session_id(), "mona", repositories=granted)
    await store.sessions.begin(session, SESSION_SECONDS)
    value = session_cookie(signing_keys(settings)[0], session.id)
    return {"Cookie": f"glossator={value}"}


def linked(settings: Settings, review: Review) -> str:
    return review_links(settings, review.id).page.removeprefix(settings.public_url)


async def fields(web: httpx2.AsyncClient, url: str, who: dict[str, str]) -> dict[str, str]:
    """What the button's form carries."""
    page = (await web.get(url, headers=who)).text
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))


async def test_only_who_may_cancel_sees_the_button(
    web: httpx2.AsyncClient, settings: Settings, store: Store, admin: dict[str, str]
) -> None:
    review = await open_review(store)
    plain, link = f"/reviews/{review.id}", linked(settings, review)
    writer = await person(settings, store, write=True)
    reader = await person(settings, store, write=False)
    for url, who, sees in (
        (plain, writer, True),
        (link, writer, True),
        (plain, reader, False),
        (link, reader, False),
        (link, {}, False),
        (plain, admin, False),  # a token without a session can send no form
    ):
        answer = await web.get(url, headers=who)
        assert answer.status_code == 200
        assert (BUTTON in answer.text) is sees, (url, who)
        assert ("form_token" in answer.text) is sees


@pytest.mark.parametrize("link_expiry", [True, False])
async def test_the_button_leads_back_to_the_page_it_stood_on(
    web: httpx2.AsyncClient, settings: Settings, store: Store, link_expiry: bool
) -> None:
    review = await open_review(store)
    writer = await person(settings, store, write=True)
    url = linked(settings, review) if link_expiry else f"/reviews/{review.id}"
    data, path = await fields(web, url, writer), f"/reviews/{review.id}/cancel"
    answer = await web.post(path, data=data, headers={**writer, **ORIGIN})
    assert (answer.status_code, answer.headers["Location"]) == (303, url)
    assert await store.reviews.state(review.id) is State.CANCELLED
    page = (await web.get(url, headers=writer)).text
    assert "Cancelled" in page
    assert BUTTON not in page


async def test_the_button_of_a_page_that_came_too_late_shows_how_it_ended(
    web: httpx2.AsyncClient, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    writer = await person(settings, store, write=True)
    data = await fields(web, f"/reviews/{review.id}", writer)
    await complete(store, review)
    headers = {**writer, **ORIGIN}
    answer = await web.post(f"/reviews/{review.id}/cancel", data=data, headers=headers)
    assert answer.headers["Location"] == f"/reviews/{review.id}"
    assert await store.reviews.state(review.id) is State.COMPLETED
    assert BUTTON not in (await web.get(f"/reviews/{review.id}", headers=writer)).text


async def test_a_form_leads_to_no_other_place(
    web: httpx2.AsyncClient, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    headers = {**await person(settings, store, write=True), **ORIGIN}
    known, path = await fields(web, f"/reviews/{review.id}", headers), f"/reviews/{review.id}"
    for changed, place in (
        ({"page": "https://evil.example"}, "/"),
        ({"page": "//evil.example", "key": "x"}, "/"),
        ({"key": "//evil.example#\r\nX: y"}, f"{path}?key=%2F%2Fevil.example%23%0D%0AX%3A+y"),
    ):
        answer = await web.post(f"{path}/cancel", data={**known, **changed}, headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, place)


async def test_only_who_may_write_sees_the_buttons_of_a_finished_review(
    web: httpx2.AsyncClient, settings: Settings, store: Store, admin: dict[str, str]
) -> None:
    review = await open_review(store)
    url = linked(settings, review)
    writer = await person(settings, store, write=True)
    running = (await web.get(url, headers=writer)).text
    assert "Review again" not in running
    assert "Dismiss" not in running
    await complete(store, review)
    for who, sees in (
        (writer, True),
        (await person(settings, store, write=False), False),
        ({}, False),
        (admin, False),
    ):
        page = (await web.get(url, headers=who)).text
        assert ("Review again" in page) is sees
        assert page.count('class="dismiss"') == (3 if sees else 0)


async def test_dismiss_counts_at_once_and_has_a_worker_see_to_the_thread(
    web: httpx2.AsyncClient, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    report = await complete(store, review)
    finding = report.findings[1]
    url = linked(settings, review)
    headers = {**await person(settings, store, write=True), **ORIGIN}
    data = await fields(web, url, headers)
    data |= {"finding": finding.fingerprint, "reason": " We know: näh "}
    answer = await web.post(f"/reviews/{review.id}/dismiss", data=data, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, url)
    dismissed = await store.suppressions.dismissals(review.repository.id, review.number, 1)
    assert dismissed.on_pull == finding.fingerprints
    assert [args for actor, args in await put(store) if actor == "dismiss_finding"] == [
        [review.id, finding.fingerprint, "We know: näh", "mona"]
    ]
    [entry] = (await store.audit.page(limit=9))[0]
    assert (entry.action, entry.way, entry.who) == ("finding_dismissed", "page", "mona")
    page = (await web.get(url, headers=headers)).text
    assert page.count('class="dismiss"') == 2
    assert page.count(">dismissed<") == 1


async def test_review_again_asks_once_however_often_it_is_pressed(
    web: httpx2.AsyncClient, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    await complete(store, review)
    headers = {**await person(settings, store, write=True), **ORIGIN}
    data = await fields(web, f"/reviews/{review.id}", headers)
    for _ in range(2):
        answer = await web.post(f"/reviews/{review.id}/again", data=data, headers=headers)
        assert answer.status_code == 303
    new = answer.headers["Location"].removeprefix("/reviews/")
    assert new != review.id
    [arguments] = [args for actor, args in await put(store) if actor == "start_review"]
    assert arguments == ["octo/demo", review.number, new, "mona", True, None, None]
    page = (await web.get(f"/reviews/{new}", headers=headers)).text
    assert "Waiting for a worker" in page


@pytest.mark.parametrize("action", ["dismiss", "again"])
async def test_the_buttons_of_others_and_of_other_sites_do_nothing(
    web: httpx2.AsyncClient, settings: Settings, store: Store, action: str
) -> None:
    review = await open_review(store)
    await complete(store, review)
    writer = await person(settings, store, write=True)
    data = await fields(web, f"/reviews/{review.id}", writer)
    path = f"/reviews/{review.id}/{action}"
    reader = await person(settings, store, write=False)
    for who, sent, status in (
        ({}, data, 404),
        ({**reader, **ORIGIN}, data, 404),
        ({**writer, "Origin": "https://evil.example"}, data, 403),
        ({**writer, **ORIGIN}, data | {"form_token": "x"}, 403),
    ):
        assert (await web.post(path, data=sent, headers=who)).status_code == status
    if action == "dismiss":
        unknown = data | {"finding": "nothing"}
        answer = await web.post(path, data=unknown, headers={**writer, **ORIGIN})
        assert answer.status_code == 404
    assert await put(store) == []
    assert (await store.audit.page(limit=9))[0] == []


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("severity=critical", 1),
        ("category=security", 1),
        ("where=inline", 2),
        ("where=body", 1),
        ("path=RATES", 2),
        ("severity=critical&path=rates", 0),
        ("severity=<script>", 0),
        ("", 3),
    ],
)
async def test_filters_work_without_scripts(
    web: httpx2.AsyncClient, settings: Settings, store: Store, query: str, titles: int
) -> None:
    review = await open_review(store)
    await complete(store, review)
    url = linked(settings, review)
    page = (await web.get(f"{url}&{query}")).text
    assert page.count("<article") == titles
    assert ("Show all" in page) is bool(query)
    assert ("No finding matches these filters." in page) is (titles == 0)
    assert re.search(r'<input type="hidden" name="key" value="[^"]+">', page), "the link is kept"


async def put(store: Store) -> list[tuple[str, list[Any]]]:
    """The messages that wait for workers: actors and arguments."""
    found = []
    for queue in QUEUES:
        for body in await store.redis.hvals(keys.queue_messages(queue)):
            message = json.loads(body)
            found.append((message["actor_name"], message["args"]))
    return found
