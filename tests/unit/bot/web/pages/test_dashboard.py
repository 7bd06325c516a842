"""Signing in, what each person sees, and buttons that only our own pages can press."""

import asyncio
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.config.settings import Settings
from bot.domain.model import Repository, State, Usage
from bot.security.links import Purpose, sign
from bot.store import ReviewSummary, Store, keys, message
from bot.telemetry.metrics import Unsaved
from bot.web.app import MAX_CONCURRENT_LISTS, create_app
from bot.web.pages.templates import static_url
from tests.support.preferences import keep_preference
from tests.support.web_server import TOKEN, complete, make_settings, open_review, serving

OTHERS = Repository(installation_id=8, id=99, full_name="other/private")
ORIGIN = {"Origin": "http://web"}


async def sign_in(web: httpx2.AsyncClient, token: str = TOKEN) -> httpx2.Response:
    return await web.post("/sign-in", data={"token": token}, headers=ORIGIN)


async def form_token(web: httpx2.AsyncClient) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', (await web.get("/")).text)
    assert found is not None
    return found[1]


async def test_unauthenticated_users_are_sent_to_sign_in(web: httpx2.AsyncClient) -> None:
    answer = await web.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert "Admin token" in (await web.get("/sign-in")).text


async def test_the_admin_token_opens_the_dashboard(web: httpx2.AsyncClient, store: Store) -> None:
    await complete(store, await open_review(store))
    await open_review(store, repository=OTHERS)
    answer = await sign_in(web)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = (await web.get("/")).text
    assert "octo/demo #12" in page
    assert "other/private #12" in page
    assert "No workers running" in page
    assert "$0.04" in page


async def test_over_https_the_cookie_is_bound_to_the_host(redis_url: str, store: Store) -> None:
    app = create_app(make_settings(redis_url, public_url="https://web"))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://web") as web,
    ):
        answer = await web.post("/sign-in", data={"token": TOKEN}, headers=ORIGIN)
        assert answer.headers["Set-Cookie"].startswith("__Host-glossator=")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_wrong_tokens_are_refused_and_soon_not_even_read(
    web: httpx2.AsyncClient, store: Store
) -> None:
    statuses = [(await sign_in(web, "guess")).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    assert (await web.get("/")).status_code == 303


async def test_the_sign_in_form_of_another_site_is_refused(web: httpx2.AsyncClient) -> None:
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = await web.post("/sign-in", data={"token": TOKEN}, headers=headers)
        assert answer.status_code == 403


async def test_a_hashed_admin_token_is_accepted(redis_url: str, store: Store) -> None:
    hashed = f"sha256:{sha256(b'secret token').hexdigest()}"
    app = create_app(make_settings(redis_url, api_tokens=hashed))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
    ):
        for token, status in (("secret token", 200), (hashed, 401)):
            headers = {"Authorization": f"Bearer {token}"}
            assert (await web.get("/api/reviews", headers=headers)).status_code == status


async def test_a_token_taken_out_of_the_settings_ends_its_sessions(
    web: httpx2.AsyncClient, redis_url: str, store: Store
) -> None:
    await sign_in(web)
    app = create_app(make_settings(redis_url, api_tokens="another-token"))
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=transport, base_url="http://web", cookies=web.cookies
        ) as later,
    ):
        assert (await web.get("/")).status_code == 200
        assert (await later.get("/")).status_code == 303


async def test_a_cookie_that_we_did_not_sign_is_nobodys(
    web: httpx2.AsyncClient, store: Store
) -> None:
    await sign_in(web)
    value = web.cookies["glossator"]
    web.cookies.clear()
    changed = value[:-1] + ("A" if value[-1] != "A" else "B")
    for cookie, status in ((value, 200), (changed, 303), (value.partition(".")[0], 303)):
        headers = {"Cookie": f"glossator={cookie}"}
        assert (await web.get("/", headers=headers)).status_code == status


async def test_signing_out_ends_the_session(web: httpx2.AsyncClient, store: Store) -> None:
    await sign_in(web)
    cookies = dict(web.cookies)
    token = await form_token(web)
    assert (await web.post("/sign-out", headers=ORIGIN)).status_code == 403
    answer = await web.post("/sign-out", data={"form_token": token}, headers=ORIGIN)
    assert answer.headers["Location"] == "/sign-in"
    web.cookies.update(cookies)
    assert (await web.get("/")).status_code == 303


async def test_cancel_works_from_the_page_and_from_nowhere_else(
    web: httpx2.AsyncClient, store: Store
) -> None:
    review = await open_review(store)
    path = f"/reviews/{review.id}/cancel"
    assert (await web.post(path, headers=ORIGIN)).status_code == 404  # a stranger
    await sign_in(web)
    token = await form_token(web)
    for data, headers in (
        ({}, ORIGIN),
        ({"form_token": "wrong"}, ORIGIN),
        ({"form_token": token}, {"Origin": "https://evil.example"}),
        ({"form_token": token}, {}),
    ):
        assert (await web.post(path, data=data, headers=headers)).status_code == 403
    assert await store.reviews.state(review.id) is State.QUEUED
    answer = await web.post(path, data={"form_token": token}, headers=ORIGIN)
    assert answer.status_code == 303
    assert await store.reviews.state(review.id) is State.CANCELLED


async def bury(store: Store, queue: str) -> str:
    """A dead letter as Dramatiq leaves it; its id."""
    dead = message("publish_review", "01JREVIEW")
    body = json.loads(dead.body)
    body["options"] |= {"retries": 3, "traceback": "Traceback …\nBoom: it broke <b>\n"}
    key = keys.dead_letters(queue)
    await store.redis.zadd(key, {dead.id: time.time() * 1000})
    await store.redis.hset(f"{key}.msgs", dead.id, json.dumps(body))
    return dead.id


async def test_a_dead_letter_is_shown_and_goes_back_once(
    web: httpx2.AsyncClient, store: Store
) -> None:
    dead = await bury(store, "reports")
    await sign_in(web)
    page = (await web.get("/")).text
    assert "Boom: it broke &lt;b&gt;" in page
    data = {"form_token": await form_token(web)}
    path = f"/dead-letters/reports/{dead}/retry"
    assert (await web.post(path, data=data, headers=ORIGIN)).status_code == 303
    assert (await web.post(path, data=data, headers=ORIGIN)).status_code == 404
    assert await store.queues.dead_letters() == []
    raw: Any = await store.redis.hget(keys.queue_messages("reports"), dead)
    assert "retries" not in json.loads(raw)["options"]
    assert json.loads(raw)["args"] == ["01JREVIEW"]


async def test_queues_report_depth_and_age_and_workers(store: Store) -> None:
    await store.queues.put(message("scan_review", "a"), message("scan_review", "b"))
    now = time.time() * 1000
    key = keys.HEARTBEATS
    await store.redis.zadd(key, {"alive": now, "dead": now - 60_000})
    [scan] = [queue for queue in await store.queues.all() if queue.name == "scan"]
    assert (scan.waiting, scan.delayed, scan.dead) == (2, 0, 0)
    assert 0 <= scan.age < 10
    assert await store.queues.live_workers() == 1


async def test_administrators_see_how_busy_workers_are_and_who_has_used_what(
    web: httpx2.AsyncClient, store: Store
) -> None:
    review = await open_review(store)
    await store.queues.put(message("scan_review", "a"))
    await store.redis.lpop(keys.queue("scan"))  # a worker takes it
    places = {f'glossator_worker_slots{{state="{s}"}}': n for s, n in (("all", 8), ("busy", 3))}
    feeds = {"glossator_feeds_open": 2}
    for process, present in (("a worker", places), ("another web process", feeds)):
        await store.metrics.save(process, Unsaved(sums={}, limits={}, gauges=present))
    for installation_id, days_ago, cost in ((7, 0, 0.25), (7, 1, 0.5), (8, 0, None)):
        await store.usage.add(
            Usage(calls=1, prompt_tokens=1200, completion_tokens=34, cost=cost),
            installation_id=installation_id,
            review_id=review.id,
            now=store.now() - days_ago * 86_400,
        )
    await sign_in(web)
    page = (await web.get("/")).text
    assert "0 workers · 3/8 slots busy · 2 live viewers" in page
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in page.split("<tr>")]
    assert ["scan", "0", "—", "1", "0", "0"] in rows
    at = rows.index(["octo", "1,234", "$0.25", "2,468", "$0.75"])
    assert rows[at + 1] == ["installation 8", "1,234", "$0.00", "1,234", "$0.00"]


async def test_what_a_stopped_try_has_used_stays_in_the_sum_of_its_review(store: Store) -> None:
    """The next try is given kept answers, and the report knows of that one alone."""
    review = await open_review(store)
    usage = Usage(calls=1, prompt_tokens=20_000, cost=0.5)
    for _ in range(2):
        await store.usage.add(
            usage,
            installation_id=7,
            review_id=review.id,
            now=store.now(),
        )
    report = await complete(store, review, usage=usage)
    assert report.usage.prompt_tokens == 20_000
    listed = await store.reviews.summary(review.id)
    assert listed is not None
    assert (listed.tokens, listed.cost) == (40_000, 1.0)


class GitHub:
    """What the sign-in asks of GitHub; `mona` may read one repository."""

    def __init__(self) -> None:
        self.challenge = ""

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest())
        right = challenge.rstrip(b"=").decode() == self.challenge
        if form["code"] != "the-code" or form["client_secret"] != "shh" or not right:
            return JSONResponse({"error": "bad_verification_code"})
        return JSONResponse({"access_token": "ghu_1"})

    async def user(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer ghu_1"
        return JSONResponse({"login": "mona"})

    async def installations(self, request: Request) -> Response:
        return JSONResponse({"installations": [{"id": 7}]})

    async def repositories(self, request: Request) -> Response:
        mine = {"id": 11, "full_name": "octo/demo", "permissions": {"push": False}}
        # The last page is the second, to see that pages are read to the end.
        filler = [{"id": 1000 + n, "full_name": f"octo/r{n}"} for n in range(100)]
        first = request.query_params["page"] == "1"
        return JSONResponse({"repositories": filler if first else [mine]})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/login/oauth/access_token", self.token, methods=["POST"]),
                Route("/user", self.user),
                Route("/user/installations", self.installations),
                Route("/user/installations/7/repositories", self.repositories),
            ]
        )


@pytest.fixture
def github() -> GitHub:
    return GitHub()


@pytest.fixture
async def person(github: GitHub, redis_url: str, store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser on a server that knows its people by GitHub."""
    async with serving(github.app()) as address:
        settings = make_settings(
            redis_url,
            github_url=f"http://{address}",
            github_api_url=f"http://{address}",
            github_client_id="Iv1.abc",
            github_client_secret="shh",
        )
        app = create_app(settings)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
        ):
            yield web


async def begin(person: httpx2.AsyncClient, github: GitHub, query_text: str = "") -> str:
    """Off to GitHub; the state that it gives back."""
    answer = await person.get(f"/sign-in/github{query_text}")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    github.challenge = query["code_challenge"][0]
    return query["state"][0]


async def test_a_person_sees_the_repositories_that_github_lets_them_read(
    person: httpx2.AsyncClient, github: GitHub, store: Store
) -> None:
    mine, hidden = await open_review(store), await open_review(store, repository=OTHERS)
    kept = await keep_preference(store, text="Ours")
    await store.usage.add(
        Usage(calls=1, prompt_tokens=4321),
        installation_id=OTHERS.installation_id,
        review_id="",
        now=store.now(),
    )
    state = await begin(person, github)
    answer = await person.get(f"/sign-in/github/callback?code=the-code&state={state}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    page = (await person.get("/")).text
    assert "octo/demo #12" in page
    assert "other/private" not in page
    assert "Queues" not in page
    assert "4,321" not in page
    assert kept.text in (await person.get("/preferences")).text
    assert (await person.get(f"/reviews/{mine.id}")).status_code == 200
    assert (await person.get(f"/api/reviews/{mine.id}")).status_code == 200
    # Reading is not writing.
    data = {"form_token": await form_token(person)}
    cancel = await person.post(f"/reviews/{mine.id}/cancel", data=data, headers=ORIGIN)
    assert cancel.status_code == 404
    await _sees_nothing_of(person, hidden.id, data["form_token"])


async def _sees_nothing_of(person: httpx2.AsyncClient, review_id: str, token: str) -> None:
    """Every route that takes a review's id answers as for one that does not exist."""
    headers = {**ORIGIN, "X-CSRF-Token": token}
    for method, path in (
        ("GET", "/reviews/{}"),
        ("POST", "/reviews/{}/cancel"),
        ("GET", "/api/reviews/{}"),
        ("DELETE", "/api/reviews/{}"),
        ("GET", "/api/reviews/{}/report.json"),
    ):
        answers = [
            await person.request(method, path.format(find_listed), headers=headers)
            for find_listed in (review_id, "01JUNKNOWN")
        ]
        assert [a.status_code for a in answers] == [404, 404], path
        assert answers[0].content == answers[1].content, path
    request_body = {"repository": "other/private", "number": 12}
    assert (
        await person.post("/api/reviews", json=request_body, headers=headers)
    ).status_code == 404
    listed = (await person.get("/api/reviews?repository=other/private")).json()
    assert listed["items"] == []


async def test_a_state_of_another_browser_or_used_before_does_not_sign_in(
    person: httpx2.AsyncClient, github: GitHub
) -> None:
    state = await begin(person, github)
    callback = f"/sign-in/github/callback?code=the-code&state={state}"
    cookies = dict(person.cookies)
    person.cookies.clear()
    assert (await person.get(callback)).status_code == 403
    person.cookies.update(cookies)
    assert (await person.get(f"{callback}x")).status_code == 403
    assert (await person.get(callback)).status_code == 303
    assert (await person.get(callback)).status_code == 403


async def link_to(store: Store, person: httpx2.AsyncClient, purpose: Purpose, id: str) -> str:
    transport = person._transport
    assert isinstance(transport, httpx2.ASGITransport)
    app: Any = transport.app
    return sign(app.state.keys[0], purpose, id, int(store.now()) + 3600)


async def test_a_link_needs_a_sign_in_where_there_is_one_and_leads_back(
    person: httpx2.AsyncClient, github: GitHub, store: Store
) -> None:
    """Links are in e-mails, which get around, and are kept by who has left the team."""
    review = await open_review(store)
    await complete(store, review)
    key = await link_to(store, person, Purpose.PAGE, review.id)
    answer = await person.get(f"/reviews/{review.id}?key={key}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?review={review.id}")
    report = f"/api/reviews/{review.id}/report.json"
    report_key = await link_to(store, person, Purpose.REPORT, review.id)
    assert (await person.get(f"{report}?key={report_key}")).headers["Location"].startswith("/sign-")
    assert (await person.get(f"/reviews/{review.id}?key={key}x")).status_code == 404

    page = (await person.get(f"/sign-in?review={review.id}")).text
    assert f'href="/sign-in/github?review={review.id}"' in page
    state = await begin(person, github, f"?review={review.id}")
    answer = await person.get(f"/sign-in/github/callback?code=the-code&state={state}")
    assert answer.headers["Location"] == f"/reviews/{review.id}"
    assert (await person.get(f"/reviews/{review.id}?key={key}")).status_code == 200


async def test_a_link_opens_nothing_to_who_may_not_read_the_repository(
    person: httpx2.AsyncClient, github: GitHub, store: Store
) -> None:
    hidden = await open_review(store, repository=OTHERS)
    state = await begin(person, github)
    await person.get(f"/sign-in/github/callback?code=the-code&state={state}")
    key = await link_to(store, person, Purpose.PAGE, hidden.id)
    assert (await person.get(f"/reviews/{hidden.id}?key={key}")).status_code == 404


@pytest.mark.parametrize("hostile", ["//evil.example", "https://evil.example", "x/../..", "%0d%0a"])
async def test_a_sign_in_leads_nowhere_else(
    person: httpx2.AsyncClient, github: GitHub, hostile: str
) -> None:
    assert "evil" not in (await person.get(f"/sign-in?review={hostile}")).text
    state = await begin(person, github, f"?review={hostile}")
    answer = await person.get(f"/sign-in/github/callback?code=the-code&state={state}")
    assert answer.headers["Location"] == "/"


async def test_a_new_sign_in_ends_the_session_before(web: httpx2.AsyncClient, store: Store) -> None:
    await sign_in(web)
    before = dict(web.cookies)
    await sign_in(web)
    assert dict(web.cookies) != before
    assert (await web.get("/")).status_code == 200
    web.cookies.clear()
    web.cookies.update(before)
    assert (await web.get("/")).headers["Location"] == "/sign-in"


async def test_a_refused_code_is_explained(person: httpx2.AsyncClient, github: GitHub) -> None:
    state = await begin(person, github)
    answer = await person.get(f"/sign-in/github/callback?code=other&state={state}")
    assert answer.status_code == 502
    assert "did not accept" in answer.text


async def test_a_session_calls_the_api_only_with_its_pages_token(
    web: httpx2.AsyncClient, store: Store
) -> None:
    review = await open_review(store)
    await sign_in(web)
    path = f"/api/reviews/{review.id}"
    assert (await web.delete(path, headers=ORIGIN)).status_code == 403
    headers = {**ORIGIN, "X-CSRF-Token": await form_token(web)}
    assert (await web.delete(path, headers=headers)).status_code == 202


async def test_every_page_has_the_strict_headers(
    web: httpx2.AsyncClient, settings: Settings, store: Store
) -> None:
    for path in ("/", "/sign-in", "/reviews/x", "/nowhere", "/api/openapi.json", "/healthz"):
        headers = (await web.get(path)).headers
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


async def test_a_file_is_kept_for_ever_only_under_its_own_tag(web: httpx2.AsyncClient) -> None:
    """A process of an older version, asked by a newer one's page, answers with an older file."""
    own = static_url("style.css")
    other = own.replace(own.split("/")[2], "0" * 12)
    assert "immutable" in (await web.get(own)).headers["Cache-Control"]
    answer = await web.get(other)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


async def test_concurrent_list_requests_are_limited(
    web: httpx2.AsyncClient, admin: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may go through all reviews, in the process that takes deliveries."""
    under_way, most = 0, 0

    async def slow(*_: object, **__: object) -> tuple[list[ReviewSummary], str]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.2)
        under_way -= 1
        return [], ""

    monkeypatch.setattr("bot.store.review_views.ReviewList.page", slow)
    paths = ["/", "/api/reviews"] * 20
    answers = await asyncio.gather(*(web.get(path, headers=admin) for path in paths))
    assert most == MAX_CONCURRENT_LISTS
    assert sorted(a.status_code for a in answers) == [200] * most + [429] * (40 - most)
    assert (await web.get("/", headers=admin)).status_code == 200
