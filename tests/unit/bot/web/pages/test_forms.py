"""The Cancel button on a review's own page: who sees it, and where it leads."""

import re

import httpx2
import pytest

from bot.config.settings import Settings
from bot.domain.model import Review, State
from bot.security.links import review_links
from bot.security.signing import signing_keys
from bot.store import RepositoryAccess, Session, Store
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
