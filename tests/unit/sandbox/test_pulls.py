"""Pull requests, files and contents as the sandbox's REST API gives them."""

from __future__ import annotations

import base64

from bot.sandbox.server import Sandbox
from tests.unit.sandbox.conftest import REPO, Client, Pull


async def test_a_pull_request_is_measured_from_the_merge_base(client: Client, pull: Pull) -> None:
    body = (await client.ask("GET", pull.path)).json()
    assert body["head"]["sha"] == pull.head
    assert (body["commits"], body["changed_files"]) == (1, 4)
    assert (body["additions"], body["deletions"]) == (2, 2)
    assert body["mergeable"] is True
