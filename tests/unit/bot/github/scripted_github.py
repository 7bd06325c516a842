"""A GitHub that plays a script, and a clock that never waits."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from bot.github.rate_limits import Clock

#: Where the tests' time starts, in Unix seconds.
START = 1_800_000_000.0
Reply = httpx2.Response | Exception


@dataclass
class FakeTime:
    """Time that passes only by sleeping."""

    now: float = START
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        """With chance at its least, so that backoffs are halves: 0.25, 0.5, 1, ..."""
        return Clock(
            wall=lambda: self.now,
            monotonic=lambda: self.now - START,
            sleep=self.sleep,
            random=lambda: 0.0,
        )


def reply(status: int, data: Any = None, **headers: str) -> httpx2.Response:
    """A JSON answer; underscores in header names stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is None:
        return httpx2.Response(status, headers=named)
    named.setdefault("content-type", "application/json; charset=utf-8")
    return httpx2.Response(status, headers=named, content=json.dumps(data).encode())


@dataclass
class ScriptedGitHub:
    """Answers from a script, one entry for each request; tokens are given out beside it.

    `requests` holds all but the requests for tokens, which `token_requests` holds. Once the
    script has played, any further request fails the test.
    """

    time: FakeTime
    script: deque[Reply] = field(default_factory=deque)
    requests: list[httpx2.Request] = field(default_factory=list)
    token_requests: list[httpx2.Request] = field(default_factory=list)
    token_seconds: float = 3600.0

    def play(self, *replies: Reply) -> None:
        self.script.extend(replies)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/access_tokens"):
            self.token_requests.append(request)
            expires = datetime.fromtimestamp(self.time.now + self.token_seconds, UTC)
            token = f"ghs_secret{len(self.token_requests)}"
            return reply(201, {"token": token, "expires_at": f"{expires:%Y-%m-%dT%H:%M:%SZ}"})
        self.requests.append(request)
        if not self.script:
            raise AssertionError(f"unexpected {request.method} {request.url}")
        played = self.script.popleft()
        if isinstance(played, Exception):
            raise played
        return played

    def body(self, index: int = -1) -> Any:
        """The JSON body of one of the requests."""
        return json.loads(self.requests[index].content)

    def calls(self) -> list[str]:
        """`METHOD path` of each request, in order."""
        return [f"{request.method} {request.url.path}" for request in self.requests]
