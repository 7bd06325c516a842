"""The sandbox: a GitHub with one App.

    async with Sandbox(webhook_url="http://127.0.0.1:8000/webhooks/github") as sandbox:
        await sandbox.add_repository("octo/hello", Path("~/src/hello").expanduser())
        number = await sandbox.open_pull("octo/hello", base_sha, head_sha, title="Greet")

Opening a pull request delivers its webhook and returns when that is answered.
"""

import functools
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import listen
from bot.sandbox.api.app import manifest_pages
from bot.sandbox.api.issues import ensure_label
from bot.sandbox.api.job_logs import storage
from bot.sandbox.api.routes import routes
from bot.sandbox.git import git, http
from bot.sandbox.graphql import api
from bot.sandbox.pages import routes as pages
from bot.sandbox.people import People
from bot.sandbox.state import App, Installation, Pull, Repository, SandboxState, utc_now
from bot.sandbox.webhooks import Webhooks, pull_request

#: Who opens pull requests unless somebody else is named; may write everywhere.
AUTHOR = "octocat"


class Sandbox:
    """A running sandbox GitHub. Use it as an asynchronous context manager.

    `url` is the web root, `api_url` the REST root (`…/api/v3`); `private_key_pem`, `app_id`,
    `webhook_secret` and `installation_id` are what the App is configured with; `state` is
    everything on it. Repositories are named `owner/name`.
    """

    def __init__(
        self,
        *,
        webhook_url: str = "",
        webhook_secret: str | None = None,
        account: str = "octo",
        port: int = 0,
        clock: Callable[[], datetime] = utc_now,
        directory: Path | None = None,
        hourly_limit: int = 5000,
    ) -> None:
        """Make ready to serve on 127.0.0.1; `port` 0 takes a free one.

        `account` is who installed the App; repositories live in `directory`, or in a temporary
        one that is deleted at the end.
        """
        self._listener = listen(port)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_url = f"{self.url}/api/v3"
        self.webhook_secret = webhook_secret or secrets.token_hex(20)
        self.private_key_pem, public = _key_pair()
        self.app_id = 4242
        self.state = SandboxState(
            url=self.url,
            public_key_pem=public,
            private_key_pem=self.private_key_pem,
            clock=clock,
            hourly_limit=hourly_limit,
            app=App(
                id=self.app_id,
                slug="glossator",
                name="Glossator",
                client_id="Iv23sandbox4242",
                webhook_url=webhook_url,
                webhook_secret=self.webhook_secret,
            ),
        )
        self.webhooks = Webhooks(self.state)
        self.people = People(self.state, self.webhooks)
        self.installation_id = self.add_installation(account).id
        self._directory = directory
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start serving."""
        if self._directory is None:
            temporary = tempfile.TemporaryDirectory(prefix="glossator-sandbox-")
            self._directory = Path(self._stack.enter_context(temporary))
        await self._stack.enter_async_context(self._serve())
        self._stack.push_async_callback(self.webhooks.aclose)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        await self._stack.aclose()

    def _serve(self) -> AbstractAsyncContextManager[None]:
        return serving(self.application(), self._listener)

    def application(self) -> ASGIApp:
        """The whole sandbox: REST, GraphQL, git, and pages."""
        return Starlette(
            routes=[
                Mount("/api/v3", routes=routes(self.state, self.webhooks)),
                api.route(self.state),
                *manifest_pages(self.state),
                storage(self.state),
                *http.routes(self.state),
                *pages.routes(self.state, self.people, AUTHOR),
            ]
        )

    def add_installation(self, account: str) -> Installation:
        """Install the App on one more account."""
        self.state.user(account)
        installation = Installation(
            id=self.state.next_id(), account=account, created_at=self.state.now()
        )
        self.state.installations[installation.id] = installation
        return installation

    def repository(self, full_name: str) -> Repository:
        """A repository and everything in it. Raises KeyError."""
        return self.state.repositories[full_name]

    async def add_repository(
        self, full_name: str, source: Path | None = None, *, installed: bool = True
    ) -> Repository:
        """Add a repository: a real one's branches and objects, or an empty one.

        `installed` gives it to the installation of its owner, or to the first one. Raises
        GitFailed if `source` is no git repository.
        """
        assert self._directory is not None
        target = self._directory / f"{full_name}.git"
        await (git.init_from(source, target) if source else git.init(target))
        head = (await git.run(target, "symbolic-ref", "--short", "HEAD")).decode().strip()
        repository = Repository(
            id=self.state.next_id(),
            full_name=full_name,
            git_dir=target,
            default_branch=head,
            created_at=self.state.now(),
        )
        self.state.repositories[full_name] = repository
        self.set_permission(full_name, repository.owner, "admin")
        self.set_permission(full_name, AUTHOR, "write")
        if installed:
            self._installation_for(repository.owner).repository_ids.add(repository.id)
        return repository

    def _installation_for(self, account: str) -> Installation:
        installations = list(self.state.installations.values())
        return next((i for i in installations if i.account == account), installations[0])

    def set_permission(self, full_name: str, login: str, role: str) -> None:
        """Give a person a role: admin, maintain, write, triage, read or none."""
        self.state.user(login)
        self.repository(full_name).permissions[login] = role

    async def _announce(
        self, repo: Repository, pull: Pull, action: str, sender: str = "", **more: object
    ) -> None:
        payload = pull_request(self.state, repo, pull, action, sender or pull.author, **more)
        await self.webhooks.deliver("pull_request", payload)

    async def open_pull(
        self,
        full_name: str,
        base_sha: str,
        head_sha: str,
        *,
        title: str = "Change things",
        body: str = "",
        author: str = AUTHOR,
        draft: bool = False,
        labels: Sequence[str] = (),
        base_ref: str = "",
        head_ref: str = "",
        from_fork: bool = False,
    ) -> int:
        """Open a pull request between two commits and return its number.

        Its refs are made: the base branch (the default one unless named), the head branch
        (only `refs/pull/N/head` for a fork), both at the given commits.
        """
        repo, now = self.repository(full_name), self.state.now()
        number = max(repo.pulls, default=0) + 1
        pull = Pull(
            id=self.state.next_id(),
            number=number,
            title=title,
            body=body,
            author=author,
            base_ref=base_ref or repo.default_branch,
            base_sha=base_sha,
            head_ref=head_ref or f"change-{number}",
            head_sha=head_sha,
            created_at=now,
            updated_at=now,
            draft=draft,
            from_fork=from_fork,
            labels=[ensure_label(self.state, repo, name).name for name in labels],
            heads=[head_sha],
        )
        await git.set_ref(repo.git_dir, f"refs/heads/{pull.base_ref}", base_sha)
        await self._set_head(repo, pull)
        repo.pulls[number] = pull
        await self._announce(repo, pull, "opened", author)
        return number

    async def _set_head(self, repo: Repository, pull: Pull) -> None:
        if not pull.from_fork:
            await git.set_ref(repo.git_dir, f"refs/heads/{pull.head_ref}", pull.head_sha)
        await git.set_ref(repo.git_dir, f"refs/pull/{pull.number}/head", pull.head_sha)


@functools.cache  # making a key takes up to half a second; one a process is enough
def _key_pair() -> tuple[str, bytes]:
    """A fresh RSA key: (private PEM as GitHub hands it out, public PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public
