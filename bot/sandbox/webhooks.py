"""Webhooks as GitHub sends them: signed, once, each attempt recorded, redelivered on request."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Coroutine
from typing import Any

import httpx2

from bot.sandbox import pull_json, repository_json
from bot.sandbox.repository_json import Json
from bot.sandbox.state import HookDelivery, Pull, Repository, SandboxState
from bot.security.tls import trusted

#: "Your server must respond within 10 seconds", GitHub docs, "Best practices for webhooks".
ANSWER_SECONDS = 10.0


def sign(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for a raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """Sends webhooks to the App's `webhook_url` and keeps what came of each attempt."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._client = httpx2.AsyncClient(verify=trusted(), timeout=ANSWER_SECONDS, trust_env=False)
        self._background: set[asyncio.Task[object]] = set()

    async def deliver(
        self, event: str, payload: dict[str, Any], guid: str | None = None
    ) -> HookDelivery:
        """Deliver an event and record the attempt. A failure is recorded, not raised.

        With no webhook URL set the attempt is recorded as one that nobody answered.
        """
        guid = guid or str(uuid.uuid1())
        body = json.dumps(payload, separators=(",", ":")).encode()
        headers = self._headers(event, guid, payload, body)
        return await self._attempt(event, payload, headers, body, redelivery=False)

    async def redeliver(self, delivery_id: int) -> HookDelivery:
        """Send a recorded delivery again under its old GUID, as a new attempt.

        Raises KeyError for an unknown id.
        """
        first = self.find(delivery_id)
        # The signature is made anew: the secret may have been changed in between.
        signature = sign(self._state.app.webhook_secret, first.request_body)
        headers = first.request_headers | {"X-Hub-Signature-256": signature}
        payload = json.loads(first.request_body)
        return await self._attempt(
            first.event, payload, headers, first.request_body, redelivery=True
        )

    def find(self, delivery_id: int) -> HookDelivery:
        """The recorded attempt with this id. Raises KeyError."""
        for delivery in self._state.deliveries:
            if delivery.id == delivery_id:
                return delivery
        raise KeyError(delivery_id)

    def in_background(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a delivery without waiting for it; `aclose` waits."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def aclose(self) -> None:
        """Let deliveries under way end, and close the client."""
        await asyncio.gather(*self._background)
        await self._client.aclose()

    def _headers(
        self, event: str, guid: str, payload: dict[str, Any], body: bytes
    ) -> dict[str, str]:
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/sandbox",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(self._state.app.id),
            "X-GitHub-Hook-Installation-Target-ID": str(self._state.app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": sign(self._state.app.webhook_secret, body),
        }

    async def _attempt(
        self,
        event: str,
        payload: dict[str, Any],
        headers: dict[str, str],
        body: bytes,
        *,
        redelivery: bool,
    ) -> HookDelivery:
        started = time.monotonic()
        status, code, answered, text = await self._post(headers, body)
        delivery = HookDelivery(
            id=self._state.next_id(),
            guid=headers["X-GitHub-Delivery"],
            event=event,
            action=payload.get("action"),
            delivered_at=self._state.now(),
            duration=round(time.monotonic() - started, 3),
            status=status,
            status_code=code,
            redelivery=redelivery,
            installation_id=payload.get("installation", {}).get("id"),
            repository_id=payload.get("repository", {}).get("id"),
            request_headers=headers,
            request_body=body,
            response_headers=answered,
            response_body=text,
        )
        self._state.deliveries.append(delivery)
        return delivery

    async def _post(
        self, headers: dict[str, str], body: bytes
    ) -> tuple[str, int, dict[str, str], str]:
        """(GitHub's word for the outcome, status code or 0, headers, body) of one request."""
        if not self._state.app.webhook_url:
            return "failed to connect to host", 0, {}, ""
        try:
            response = await self._client.post(
                self._state.app.webhook_url, content=body, headers=headers
            )
        except httpx2.TimeoutException:
            return "timed out", 0, {}, ""
        except httpx2.HTTPError:
            return "failed to connect to host", 0, {}, ""
        word = "OK" if response.is_success else f"Invalid HTTP Response: {response.status_code}"
        return word, response.status_code, dict(response.headers), response.text


def repository_event(state: SandboxState, repo: Repository, action: str, sender: str) -> Json:
    """What all events of a repository carry."""
    body: Json = {
        "action": action,
        "repository": repository_json.repository(state, repo),
        "sender": repository_json.user(state, sender),
    }
    if installation := state.installation_of(repo):
        body["installation"] = {
            "id": installation.id,
            "node_id": repository_json.node_id("MDIz", installation.id),
        }
    return body


def pull_request(
    state: SandboxState, repo: Repository, pull: Pull, action: str, sender: str, **more: object
) -> Json:
    """`pull_request`; `more` are fields of single actions: `before`, `after`, `label`."""
    counts = {
        "merged": pull.merged_at is not None,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": pull.from_fork,
    }
    shown = pull_json.pull_simple(state, repo, pull) | counts
    return (
        repository_event(state, repo, action, sender)
        | {"number": pull.number, "pull_request": shown}
        | more
    )
