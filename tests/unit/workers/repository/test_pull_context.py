"""Which linked issues are read, whatever the token may read: a person's may read more than the
people who will see the review."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from bot.github.app import token_client
from tests.support.pulls import PULL
from tests.unit.bot.github.scripted_github import reply
from workers.repository.pull_context import MAX_ISSUES, read_pull_context

REPO = "octo/hello"
API = "https://api.github.com"


def issue(repository: str, number: str) -> dict[str, Any]:
    return {
        "number": int(number),
        "title": f"Title {number}",
        "body": "b" * 9000,
        "repository_url": f"{API}/repos/{repository}",
    }


def github(request: httpx2.Request) -> httpx2.Response:
    """A GitHub on which the token may read everything; issue 7 was moved to a private place."""
    match request.url.path.split("/")[2:]:
        case [_, _, "pulls", _, "commits"]:
            return reply(200, [])
        case ["odd", _]:
            return reply(200, {"private": False, "visibility": "internal"})
        case [_, name]:
            return reply(200, {"private": name == "private"})
        case [_, _, "issues", "7"]:
            return reply(200, issue("octo/private", "7"))
        case [owner, name, "issues", number]:
            return reply(200, issue(f"{owner}/{name}", number))
        case _:
            return reply(404, {})


async def read(body: str) -> str:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(github)) as http:
        gh = token_client(API, "token", http, 5)
        return (await read_pull_context(gh, REPO, replace(PULL, body=body))).issue


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("fixes #1", ["#1"]),
        ("Closed: OCTO/hello#2, resolve #3", ["#2", "#3"]),
        ("fixes some/public#4", ["some/public#4"]),
        ("fixes octo/private#4", []),
        ("fixes odd/place#4", []),
        ("fixes #7, fixes some/public#7", []),
        ("closes https://github.com/some/public/issues/5", ["some/public#5"]),
        ("closes https://github.com/octo/private/issues/5", []),
        ("See #1, prefixes #2, fixes 3", []),
        ("fixes ../../x#1", []),
    ],
)
async def test_only_what_all_readers_of_the_review_may_read_is_read(
    body: str, names: list[str]
) -> None:
    found = await read(body)
    titles = [line for line in found.split("\n") if "Title" in line]
    assert [line.partition(" ")[0] for line in titles] == names


async def test_there_are_bounds() -> None:
    found = await read(" ".join(f"fixes #{number}" for number in range(10, 20)))
    assert found.count("Title") == MAX_ISSUES
    assert len(found) < 21_000
