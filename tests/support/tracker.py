"""A tracker of tickets with Jira's answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import listen

TOKEN = "tracker-token"


@dataclass
class Tracker:
    """`tickets` are titles and descriptions by key; `asked` the keys that were asked for."""

    url: str
    tickets: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "ticket_url": f"{self.url}/rest/api/3/issue/{{key}}",
            "ticket_owners": ("Octo",),
            "ticket_header": f"Authorization: Bearer {TOKEN}",
            "ticket_allow_private": True,
        }

    async def answer(self, request: Request) -> Response:
        key = request.path_params["key"]
        self.asked.append(key)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(status_code=401)
        if key not in self.tickets:
            return Response(status_code=404)
        title, description = self.tickets[key]
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": description}]}
        fields = {
            "issuetype": {"name": "Story", "description": "A story"},
            "summary": title,
            "description": {"type": "doc", "version": 1, "content": [paragraph]},
        }
        return JSONResponse({"key": key, "fields": fields})


@asynccontextmanager
async def tracking() -> AsyncIterator[Tracker]:
    """A tracker on this machine."""
    listener = listen(0)
    tracker = Tracker(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Starlette(routes=[Route("/rest/api/3/issue/{key}", tracker.answer)])
    async with serving(app, listener):
        yield tracker
