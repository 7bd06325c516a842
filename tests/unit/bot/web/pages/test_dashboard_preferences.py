"""The page of preferences: who sees which, and what its forms do."""

import re

import httpx2

from bot.config.settings import Settings
from bot.domain.model import Repository
from bot.security.signing import signing_keys
from bot.store import RepositoryAccess, Session, Store
from bot.web.auth.viewer import SESSION_SECONDS, new_session_id, session_cookie
from tests.support.preferences import keep_preference

PAGE = "/preferences"
FORM = "/preferences/11/1"


async def person(settings: Settings, store: Store, *, write: bool) -> dict[str, str]:
    granted = (RepositoryAccess(11, "octo/demo", write, installation_id=7),)
    session = Session(new_session_id(), "mona", repositories=granted)
    await store.sessions.begin(session, SESSION_SECONDS)
    cookie = session_cookie(signing_keys(settings)[0], session.id)
    return {"Cookie": f"glossator={cookie}", "Origin": "http://web"}


def token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    return found[1] if found else ""


async def test_people_see_their_repositories_and_who_may_write_sees_forms(
    web: httpx2.AsyncClient, settings: Settings, store: Store, admin: dict[str, str]
) -> None:
    hostile = "Ours </textarea><script>alert(1)</script> \u202e @octo/all"
    await keep_preference(store, text=hostile, paths=("<b>/**",))
    await keep_preference(store, Repository(7, 12, "octo/secret"), text="Not theirs")
    strangers = await web.get(PAGE)
    assert (strangers.status_code, strangers.headers["location"]) == (303, "/sign-in")
    for write in (False, True):
        answer = await web.get(PAGE, headers=await person(settings, store, write=write))
        assert answer.status_code == 200
        assert "Ours &lt;/textarea&gt;&lt;script&gt;alert(1)" in answer.text
        assert "<code>&lt;b&gt;/**</code>" in answer.text
        assert "kept by mona on 20" in answer.text
        assert "octo/secret" not in answer.text
        assert "<script>alert" not in answer.text
        assert "\u202e" not in answer.text
        assert (f'action="{FORM}"' in answer.text) is write
    everything = (await web.get(PAGE, headers=admin)).text
    assert "octo/secret" in everything
    assert 'method="post"' not in everything, "a token without a session can send no form"
    one = (await web.get(f"{PAGE}?repository=octo/secret", headers=admin)).text
    assert "Not theirs" in one
    assert "Ours" not in one
    none = (await web.get(f"{PAGE}?repository=octo/none", headers=admin)).text
    assert "No preferences." in none


async def test_who_may_write_edits_and_removes(
    web: httpx2.AsyncClient, settings: Settings, store: Store
) -> None:
    await keep_preference(store)
    writer = await person(settings, store, write=True)
    form = {"form_token": token((await web.get(PAGE, headers=writer)).text)}
    edit = form | {"text": "Ids are\r\nours.", "paths": "src/api/**\r\n\r\ndocs/"}
    for _ in range(2):
        answer = await web.post(FORM, headers=writer, data=edit)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/preferences?repository=octo%2Fdemo"
    [one] = await store.preferences.all(7, 11, 180)
    assert (one.text, one.paths) == ("Ids are ours.", ("src/api/**", "docs/"))
    assert one.edited_by == "mona"
    assert "edited by mona" in (await web.get(PAGE, headers=writer)).text

    refused = await web.post(FORM, headers=writer, data=form | {"text": " ", "paths": "a"})
    assert refused.status_code == 422
    assert "write one sentence" in refused.text
    for _ in range(2):
        assert (
            await web.post(FORM, headers=writer, data=form | {"remove": "yes"})
        ).status_code == 303
    assert await store.preferences.all(7, 11, 180) == ()
    assert (await web.post(FORM, headers=writer, data=edit)).status_code == 404
    lines = [(line.action, line.way, line.who) async for line in store.audit.since(0)]
    assert lines[1:] == [
        ("preference_edited", "page", "mona"),
        ("preference_edited", "page", "mona"),
        ("preference_removed", "page", "mona"),
    ]


async def test_a_form_of_another_site_or_person_changes_nothing(
    web: httpx2.AsyncClient, settings: Settings, store: Store
) -> None:
    kept = await keep_preference(store)
    writer = await person(settings, store, write=True)
    reader = await person(settings, store, write=False)
    form = {"form_token": token((await web.get(PAGE, headers=writer)).text), "remove": "yes"}
    for who, data, status in (
        ({}, form, 404),
        (reader, form, 404),
        (writer | {"Origin": "https://evil.example"}, form, 403),
        (writer, form | {"form_token": "x"}, 403),
    ):
        assert (await web.post(FORM, headers=who, data=data)).status_code == status
    assert await store.preferences.all(7, 11, 180) == (kept,)
