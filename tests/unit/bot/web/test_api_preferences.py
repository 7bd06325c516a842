"""Preferences over the API: listed for who may read, changed by who may write."""

from dataclasses import replace

import httpx2
import pytest

from bot.config.settings import Settings
from bot.domain.model import Repository
from bot.security.signing import signing_keys
from bot.store import RepositoryAccess, Session, Store
from bot.web.auth.viewer import (
    SESSION_SECONDS,
    form_token,
    new_session_id,
    session_cookie,
)
from tests.support.preferences import REPOSITORY, keep_preference

ADDRESS = "/api/preferences/11/1"
EDIT = {"text": " Ids are\n ours. ", "paths": ["src/{api,web}/**"]}


async def person(settings: Settings, store: Store, access: RepositoryAccess) -> dict[str, str]:
    session = Session(new_session_id(), "mona", repositories=(access,))
    await store.sessions.begin(session, SESSION_SECONDS)
    key = signing_keys(settings)[0]
    return {
        "Cookie": f"glossator={session_cookie(key, session.id)}",
        "Origin": settings.public_url,
        "X-CSRF-Token": form_token(key, session.id),
    }


async def test_they_are_listed_edited_and_removed(
    web: httpx2.AsyncClient, store: Store, admin: dict[str, str]
) -> None:
    kept = await keep_preference(store)
    await keep_preference(store, Repository(8, 12, "elsewhere/shop"), text="Other")
    listed = (await web.get("/api/preferences", headers=admin)).json()["items"]
    assert [one["repository"] for one in listed] == ["elsewhere/shop", "octo/demo"]
    [one] = (await web.get("/api/preferences?repository=Octo/Demo", headers=admin)).json()["items"]
    assert (one["repository_id"], one["number"], one["text"]) == (11, 1, kept.text)
    assert (one["paths"], one["kept_by"], one["pull"]) == (["src/**", "*.py"], "mona", 3)

    answer = await web.put(ADDRESS, headers=admin, json=EDIT)
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["text"], changed["edited_by"]) == ("Ids are ours.", "admin")
    assert changed["paths"] == ["src/api/**", "src/web/**"]
    [stored] = await store.preferences.all(7, 11, 180)
    assert (stored.text, stored.kept_by) == ("Ids are ours.", "mona")

    assert (await web.delete(ADDRESS, headers=admin)).status_code == 204
    assert (await web.delete(ADDRESS, headers=admin)).status_code == 404
    assert (await web.put(ADDRESS, headers=admin, json=EDIT)).status_code == 404
    lines = [(line.action, line.way, line.detail) async for line in store.audit.since(0)]
    assert lines[-2:] == [
        ("preference_edited", "api", "1: Ids are ours."),
        ("preference_removed", "api", "1: Ids are ours."),
    ]


@pytest.mark.parametrize(
    ("access", "status"),
    [
        (RepositoryAccess(11, "octo/demo", write=True, installation_id=7), 200),
        (RepositoryAccess(11, "octo/demo", write=False, installation_id=7), 404),
        (RepositoryAccess(11, "octo/demo", write=True, installation_id=8), 404),
        (RepositoryAccess(12, "octo/other", write=True, installation_id=7), 404),
    ],
    ids=["who may write", "who may read", "an installation it has moved to", "another repository"],
)
async def test_who_may_write_there_may_edit(
    web: httpx2.AsyncClient,
    store: Store,
    settings: Settings,
    access: RepositoryAccess,
    status: int,
) -> None:
    kept = await keep_preference(store)
    who = await person(settings, store, access)
    listed = (await web.get("/api/preferences", headers=who)).json()["items"]
    assert bool(listed) is ((access.id, access.installation_id) == (11, 7))
    assert (await web.put(ADDRESS, headers=who, json=EDIT)).status_code == status
    [after] = await store.preferences.all(*(REPOSITORY.installation_id, REPOSITORY.id), 180)
    assert (replace(after, text=kept.text, paths=kept.paths, edited_by="") == kept) is True
    assert (after == kept) is (status != 200)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "", "paths": ["a"]},
        {"text": " \n", "paths": ["a"]},
        {"text": "x" * 201, "paths": ["a"]},
        {"text": "x", "paths": []},
        {"text": "x", "paths": ["`"]},
        {"text": "x", "paths": ["a"] * 6},
        {"text": "x", "paths": ["a"], "kept_by": "root"},
        {"text": "x"},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
async def test_what_is_no_preference_is_refused(
    web: httpx2.AsyncClient, store: Store, admin: dict[str, str], wrong: dict[str, object]
) -> None:
    kept = await keep_preference(store)
    answer = await web.put(ADDRESS, headers=admin, json=wrong)
    assert answer.status_code == 422
    assert await store.preferences.all(7, 11, 180) == (kept,)


@pytest.mark.parametrize("path", ["11/2", "12/1", "11/x", "x/1", "11/0001x", f"11/{'9' * 40}"])
async def test_what_does_not_exist_is_not_found(
    web: httpx2.AsyncClient, store: Store, admin: dict[str, str], path: str
) -> None:
    await keep_preference(store)
    for method in ("PUT", "DELETE"):
        answer = await web.request(method, f"/api/preferences/{path}", headers=admin, json=EDIT)
        assert answer.status_code == 404
