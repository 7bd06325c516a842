"""The page of outcomes: three months of them, for those who may read the repositories."""

import re

import httpx2

from bot.config.settings import Settings
from bot.domain.outcomes import outcome_report
from bot.security.signing import signing_keys
from bot.store import RepositoryAccess, Session, Store
from bot.web.auth.viewer import SESSION_SECONDS, new_session_id, session_cookie
from tests.support.outcomes import three_months

Headers = dict[str, str]


async def person(store: Store, settings: Settings, *granted: RepositoryAccess) -> Headers:
    session = Session(new_session_id(), "mona", repositories=granted)
    await store.sessions.begin(session, SESSION_SECONDS)
    return {"Cookie": f"glossator={session_cookie(signing_keys(settings)[0], session.id)}"}


def rows(page: str, heading: str) -> list[list[str]]:
    """The rows of the table under that heading."""
    table = page.partition(f">{heading}</h2>")[2].partition("</table>")[0]
    cells = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[2:])
    return [list(row) for row in cells]


async def test_three_months_are_summed_up_by_everything(
    web: httpx2.AsyncClient, store: Store, admin: Headers
) -> None:
    made = await three_months(store)
    report = outcome_report(made, 0, await store.time())
    page = (await web.get("/outcomes", headers=admin)).text
    for dimension, tallies in report.by.items():
        assert [(row[0], row[1]) for row in rows(page, f"By {dimension}")] == [
            (one.name or "none", str(one.posted)) for one in tallies
        ]
    became = {row[0]: int(row[1]) for row in rows(page, "By outcome")}
    assert sum(became.values()) == report.total.posted == len(made)
    assert became["merged without action"] == report.total.outcomes["ignored"]  # type: ignore[index]
    assert f"<dd>{round((report.total.acceptance or 0) * 100)} %</dd>" in page
    assert page.count('class="bar"') == 3 * len(report.weeks)
    month = (await web.get("/outcomes?days=30&repository=octo/shop", headers=admin)).text
    assert [row[0] for row in rows(month, "By repository")] == ["octo/shop"]
    assert int(rows(month, "By repository")[0][1]) < len(made) / 2


async def test_people_see_their_repositories_alone(
    web: httpx2.AsyncClient, store: Store, settings: Settings
) -> None:
    await three_months(store)
    mine = await person(store, settings, RepositoryAccess(12, "octo/shop", write=False))
    page = (await web.get("/outcomes", headers=mine)).text
    assert "octo/shop" in page
    assert "octo/demo" not in page
    asked = (await web.get("/outcomes?repository=octo/demo", headers=mine)).text
    assert "No findings." in asked
    found = (await web.get("/api/outcomes?since=12w", headers=mine)).json()
    assert [one["name"] for one in found["by"]["repository"]] == ["octo/shop"]
    none = await person(store, settings)
    assert "No findings." in (await web.get("/outcomes", headers=none)).text
    assert (await web.get("/outcomes")).headers["Location"] == "/sign-in"


async def test_the_api_says_when_a_span_is_wrong(web: httpx2.AsyncClient, admin: Headers) -> None:
    answer = await web.get("/api/outcomes?since=yesterday", headers=admin)
    assert answer.status_code == 422
    assert "90d, 12w or 2026-01-31" in answer.json()["detail"]
