"""Each rule of repeating, waiting and giving up, seen from outside."""

from __future__ import annotations

import logging
import traceback
from collections import OrderedDict
from typing import Any

import httpx2
import pytest

from bot.github.app import GitHubApp, ScopedCache
from bot.github.auth import Scope
from bot.github.client import API_VERSION, USER_AGENT, GitHub
from bot.github.errors import (
    Elsewhere,
    Forbidden,
    GitHubError,
    Invalid,
    NotFound,
    TooLarge,
    Transient,
    Unauthorized,
)
from bot.github.rate_limits import RetryPolicy
from bot.github.wire import Transport
from tests.unit.bot.github.scripted_github import START, FakeTime, ScriptedGitHub, reply

SECONDARY = {"message": "You have exceeded a secondary rate limit."}


async def test_every_request_names_us_and_the_version_of_the_api(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(200, {}))
    await gh.getitem("/repos/octo/hello")
    headers = github.requests[0].headers
    assert headers["user-agent"] == USER_AGENT
    assert USER_AGENT.startswith("glossator/")
    assert headers["x-github-api-version"] == API_VERSION
    assert headers["accept"] == "application/vnd.github.v3+json"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("verb", ["getitem", "patch", "put"])
async def test_a_server_error_is_repeated_with_growing_pauses(
    gh: GitHub, github: ScriptedGitHub, time: FakeTime, status: int, verb: str
) -> None:
    github.play(*[reply(status, {"message": "oops"})] * 3, reply(200, {"ok": True}))
    body: dict[str, Any] = {} if verb == "getitem" else {"data": {}}
    assert await getattr(gh, verb)("/repos/octo/hello", **body) == {"ok": True}
    assert time.slept == [0.25, 0.5, 1.0]


async def test_after_four_attempts_the_error_is_transient_and_quotes_github(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(*[reply(502, {"message": "Server Error"})] * 4)
    with pytest.raises(Transient, match="GET /repos/octo/hello with 502: Server Error") as caught:
        await gh.getitem("/repos/octo/hello")
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    "broken",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.ReadError("reset"),
        httpx2.RemoteProtocolError("gone"),
        httpx2.ConnectError("refused"),
        httpx2.ConnectTimeout("slow"),
        httpx2.PoolTimeout("busy"),
    ],
)
async def test_a_broken_connection_is_repeated_for_reads(
    gh: GitHub, github: ScriptedGitHub, broken: Exception
) -> None:
    github.play(broken, reply(200, {"ok": True}))
    assert await gh.getitem("/repos/octo/hello") == {"ok": True}


@pytest.mark.parametrize(
    "played",
    [reply(502, {"message": "oops"}), httpx2.ReadTimeout("slow"), httpx2.ReadError("reset")],
)
async def test_a_post_that_github_may_have_executed_is_not_repeated(
    gh: GitHub, github: ScriptedGitHub, played: httpx2.Response | Exception
) -> None:
    github.play(played)
    with pytest.raises(Transient, match="POST /repos/octo/hello/pulls/1/reviews"):
        await gh.post("/repos/octo/hello/pulls/1/reviews", data={})
    assert len(github.requests) == 1


@pytest.mark.parametrize(
    "played",
    [
        httpx2.ConnectError("refused"),
        httpx2.ConnectTimeout("slow"),
        reply(429, SECONDARY, retry_after="2"),
        reply(403, SECONDARY, retry_after="2"),
    ],
)
async def test_a_post_that_was_not_executed_is_repeated(
    gh: GitHub, github: ScriptedGitHub, played: httpx2.Response | Exception
) -> None:
    github.play(played, reply(201, {"id": 1}))
    assert await gh.post("/repos/octo/hello/pulls/1/reviews", data={}) == {"id": 1}


async def test_no_repeat_starts_after_the_total_time(
    http: httpx2.AsyncClient, private_key: str, github: ScriptedGitHub, time: FakeTime
) -> None:
    policy = RetryPolicy(attempts=100, base_seconds=4, cap_seconds=4, total_seconds=10)
    app = GitHubApp(
        api_url="https://api.github.com",
        app_id=42,
        private_key=private_key,
        http=http,
        policy=policy,
        clock=time.clock(),
    )
    github.play(*[reply(500)] * 100)
    with pytest.raises(Transient):
        await app.as_app().getitem("/app")
    assert sum(time.slept) <= 10
    assert len(github.requests) == 6


async def test_a_short_limit_is_waited_out_in_place(
    gh: GitHub, github: ScriptedGitHub, time: FakeTime
) -> None:
    github.play(reply(429, SECONDARY, retry_after="20"), reply(200, {"ok": True}))
    assert await gh.getitem("/repos/octo/hello") == {"ok": True}
    assert time.slept == [20.0]


async def test_a_primary_limit_is_waited_out_until_its_reset(
    gh: GitHub, github: ScriptedGitHub, time: FakeTime
) -> None:
    limited = reply(
        403,
        {"message": "API rate limit exceeded"},
        x_ratelimit_limit="5000",
        x_ratelimit_remaining="0",
        x_ratelimit_reset=str(int(START) + 9),
    )
    github.play(limited, reply(200, {"ok": True}))
    assert await gh.getitem("/repos/octo/hello") == {"ok": True}
    assert time.slept == [10.0]


async def test_a_long_limit_is_handed_on_and_nothing_is_sent_until_it_ends(
    app: GitHubApp, gh: GitHub, github: ScriptedGitHub, time: FakeTime
) -> None:
    github.play(reply(403, SECONDARY, retry_after="300"))
    with pytest.raises(Transient, match="300 s") as caught:
        await gh.getitem("/repos/octo/hello")
    assert caught.value.retry_after == 300

    neighbor = await app.installation(7, 12)
    time.now += 100
    with pytest.raises(Transient) as caught:
        await neighbor.getitem("/repos/octo/other")
    assert caught.value.retry_after == 200
    assert len(github.requests) == 1

    other = await app.installation(8, 11)
    github.play(reply(200, {"of": "another installation"}), reply(200, {"of": "this one"}))
    await other.getitem("/repos/else/where")
    time.now += 200
    assert await gh.getitem("/repos/octo/hello") == {"of": "this one"}


async def test_a_long_outage_is_handed_on_with_github_s_own_time(
    gh: GitHub, github: ScriptedGitHub, time: FakeTime
) -> None:
    github.play(reply(503, {"message": "Maintenance"}, retry_after="60"))
    with pytest.raises(Transient, match="503: Maintenance") as caught:
        await gh.getitem("/repos/octo/hello")
    assert caught.value.retry_after == 60
    assert time.slept == []


async def test_writes_that_notify_people_are_a_second_apart(
    gh: GitHub, github: ScriptedGitHub, time: FakeTime
) -> None:
    github.play(*[reply(201, {"id": 1})] * 4)
    for _ in range(3):
        await gh.post("/repos/octo/hello/issues/1/comments", data={"body": "x"})
    await gh.post("/repos/octo/hello/issues/comments/1/reactions", data={"content": "eyes"})
    assert time.slept == [1.0, 1.0]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Invalid),
        (410, NotFound),
        (422, Invalid),
        (451, Forbidden),
    ],
)
async def test_a_refusal_is_named_by_the_reaction_and_not_repeated(
    app: GitHubApp, github: ScriptedGitHub, status: int, kind: type[GitHubError]
) -> None:
    github.play(reply(status, {"message": "No."}))
    with pytest.raises(kind, match=r"No\."):
        await app.as_app().getitem("/app")


async def test_a_missing_permission_is_named_with_what_to_do(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    refused = {"message": "Resource not accessible by integration"}
    github.play(reply(403, refused, x_accepted_github_permissions="checks=write"))
    with pytest.raises(Forbidden, match="lacks the permission checks=write.*Grant it"):
        await gh.post("/repos/octo/hello/check-runs", data={})


async def test_a_422_keeps_github_s_errors(gh: GitHub, github: ScriptedGitHub) -> None:
    errors = ["Line must be part of the diff", {"field": "body", "code": "invalid"}]
    github.play(reply(422, {"message": "Unprocessable Entity", "errors": errors}))
    with pytest.raises(Invalid, match="part of the diff; body invalid") as caught:
        await gh.post("/repos/octo/hello/pulls/1/reviews", data={})
    assert caught.value.errors == tuple(errors)


async def test_pages_are_followed_and_each_may_be_repeated(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    link = '<https://api.github.com/repositories/1/issues?page=2>; rel="next"'
    github.play(reply(200, [1, 2], link=link), reply(500), reply(200, [3]))
    assert [item async for item in gh.getiter("/repos/octo/hello/issues")] == [1, 2, 3]
    assert [str(request.url) for request in github.requests[1:]] == [
        "https://api.github.com/repositories/1/issues?page=2"
    ] * 2


@pytest.mark.parametrize("elsewhere", ["https://evil.example/2", "http://api.github.com/2"])
async def test_a_next_page_elsewhere_is_refused_before_the_token_goes_there(
    gh: GitHub, github: ScriptedGitHub, elsewhere: str
) -> None:
    github.play(reply(200, [1], link=f'<{elsewhere}>; rel="next"'))
    with pytest.raises(GitHubError, match="GITHUB_API_URL"):
        _ = [item async for item in gh.getiter("/repos/octo/hello/issues")]
    assert len(github.requests) == 1


async def test_a_renamed_repository_is_followed_with_the_same_method(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    moved = reply(307, {}, location="https://api.github.com/repositories/1/check-runs")
    github.play(moved, reply(201, {"id": 1}))
    assert await gh.post("/repos/old/name/check-runs", data={"name": "x"}) == {"id": 1}
    assert github.calls() == ["POST /repos/old/name/check-runs", "POST /repositories/1/check-runs"]
    assert github.body() == {"name": "x"}


async def test_a_redirect_elsewhere_is_refused(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(302, {}, location="https://evil.example/"))
    with pytest.raises(GitHubError, match=r"evil\.example"):
        await gh.getitem("/repos/octo/hello")


async def test_a_redirect_to_other_parts_of_the_server_takes_no_token_there() -> None:
    stored = "https://ghe.example/_services/logs/1?sig=secret"
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return httpx2.Response(302, headers={"location": stored})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        transport = Transport(http, "https://ghe.example/api/v3")
        with pytest.raises(Elsewhere) as refused:
            await transport.exchange("GET", f"{transport.api_url}/x/logs", {}, b"")
    assert asked == ["/api/v3/x/logs"]
    assert refused.value.address == stored
    assert "secret" not in str(refused.value)


async def test_redirects_in_a_circle_end(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(*[reply(301, {}, location="/repos/octo/hello")] * 16)
    with pytest.raises(Transient, match="circle"):
        await gh.getitem("/repos/octo/hello")


async def test_an_unchanged_answer_comes_from_the_cache_of_its_own_scope(
    app: GitHubApp, gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(200, {"n": 1}, etag='"a"'), reply(304, etag='"a"'), reply(200, {"n": 2}))
    assert await gh.getitem("/repos/octo/hello/pulls/1") == {"n": 1}
    again = await app.installation(7, 11)
    assert await again.getitem("/repos/octo/hello/pulls/1") == {"n": 1}
    assert github.requests[1].headers["if-none-match"] == '"a"'

    other = await app.installation(8, 11)
    assert await other.getitem("/repos/octo/hello/pulls/1") == {"n": 2}
    assert "if-none-match" not in github.requests[2].headers


def test_the_cache_evicts_the_least_recently_used() -> None:
    cache = ScopedCache(OrderedDict(), Scope.of(7, 11), 2)
    for url in ("a", "b"):
        cache[url] = (url, None, {}, None)
    assert cache["a"][0] == "a"
    cache["c"] = ("c", None, {}, None)
    assert list(cache) == ["a", "c"]


async def test_a_long_answer_is_not_kept(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(200, ["x" * 300_000], etag='"a"'), reply(200, []))
    await gh.getitem("/repos/octo/hello/pulls/1/files")
    await gh.getitem("/repos/octo/hello/pulls/1/files")
    assert "if-none-match" not in github.requests[1].headers


async def test_an_endless_answer_is_cut_off(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(httpx2.Response(200, content=b"x" * (16 * 1024 * 1024 + 1)))
    with pytest.raises(TooLarge, match="/repos/octo/hello"):
        await gh.getitem("/repos/octo/hello")


async def test_a_page_of_a_proxy_is_not_taken_for_an_answer(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(httpx2.Response(200, html="<h1>Sign in</h1>"))
    with pytest.raises(GitHubError, match="no proxy answers for it"):
        await gh.getitem("/repos/octo/hello")


async def test_an_answer_that_is_no_json_is_transient(gh: GitHub, github: ScriptedGitHub) -> None:
    kind = {"content-type": "application/json; charset=utf-8"}
    github.play(*[httpx2.Response(200, headers=kind, content=b'{"data": ')] * 2)
    with pytest.raises(Transient, match="is not valid"):
        await gh.getitem("/repos/octo/hello")
    with pytest.raises(Transient, match="is not valid"):
        await gh.query("query { viewer }", {})


async def test_a_status_of_no_use_to_us_is_a_refusal(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(303, {"message": "See other"}))
    with pytest.raises(Invalid, match="303"):
        await gh.getitem("/repos/octo/hello")


@pytest.mark.parametrize(("remaining", "scarce"), [("4990", False), ("40", True)])
async def test_requests_are_known_to_be_scarce(
    gh: GitHub, github: ScriptedGitHub, remaining: str, scarce: bool
) -> None:
    headers = {"x_ratelimit_remaining": remaining, "x_ratelimit_reset": "9999999999"}
    github.play(reply(200, {}, x_ratelimit_resource="core", **headers))
    await gh.getitem("/repos/octo/hello")
    assert gh.is_scarce is scarce


@pytest.mark.parametrize(
    ("api_url", "rest", "graphql"),
    [
        (
            "https://api.github.com",
            "https://api.github.com/repos/octo/hello",
            "https://api.github.com/graphql",
        ),
        (
            "https://ghe.example/api/v3/",
            "https://ghe.example/api/v3/repos/octo/hello",
            "https://ghe.example/api/graphql",
        ),
    ],
)
async def test_github_enterprise_server_has_addresses_of_its_own(
    http: httpx2.AsyncClient,
    private_key: str,
    github: ScriptedGitHub,
    api_url: str,
    rest: str,
    graphql: str,
) -> None:
    app = GitHubApp(api_url=api_url, app_id=42, private_key=private_key, http=http)
    gh = await app.installation(7, 11)
    github.play(reply(200, {}), reply(200, {"data": {"viewer": 1}}))
    await gh.getitem("/repos/octo/hello")
    assert await gh.query("query { viewer }", {}) == {"viewer": 1}
    assert [str(request.url) for request in github.requests] == [rest, graphql]


@pytest.mark.parametrize("api_url", ["api.github.com", "ftp://x/", "https://"])
async def test_an_address_that_cannot_be_an_api_is_refused(
    http: httpx2.AsyncClient, api_url: str, private_key: str
) -> None:
    with pytest.raises(ValueError, match="GITHUB_API_URL"):
        GitHubApp(api_url=api_url, app_id=42, private_key=private_key, http=http)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "NOT_FOUND", "message": "no node"}, NotFound),
        ({"type": "FORBIDDEN", "message": "not yours"}, Forbidden),
        ({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}, Transient),
        ({"message": "You have exceeded a secondary rate limit"}, Transient),
        ({"message": "Field 'x' doesn't exist"}, Invalid),
    ],
)
async def test_graphql_s_errors_come_with_status_200(
    gh: GitHub, github: ScriptedGitHub, error: dict[str, str], kind: type[GitHubError]
) -> None:
    github.play(reply(200, {"errors": [error]}))
    with pytest.raises(kind, match=error["message"][:10]):
        await gh.query("query { viewer }", {})


async def test_no_error_and_no_log_line_ever_holds_a_credential(
    gh: GitHub, github: ScriptedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ends: list[httpx2.Response | Exception] = [
        httpx2.ReadTimeout("slow", request=httpx2.Request("GET", "https://x")),
        reply(403, {"message": "No."}),
        reply(404, {"message": "No."}),
        reply(422, {"message": "No.", "errors": ["x"]}),
        reply(500, {"message": "No."}),
        httpx2.Response(200, html="<p>"),
    ]
    output = ""
    for end in ends:
        github.play(end)
        with pytest.raises(GitHubError) as caught:
            await gh.post("/repos/octo/hello/pulls/1/reviews", data={})
        output += "".join(traceback.format_exception(caught.value))
        chained = caught.value.__context__
        assert chained is None, f"{chained!r} holds the request and its headers"
    assert "ghs_secret" not in output + caplog.text
    assert "authorization" not in (output + caplog.text).lower()
