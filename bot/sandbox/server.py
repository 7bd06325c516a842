"""The sandbox: a GitHub with one App, and what people do on it.

    async with Sandbox(webhook_url="http://127.0.0.1:8000/webhooks/github") as sandbox:
        await sandbox.add_repository("octo/hello", Path("~/src/hello").expanduser())
        number = await sandbox.open_pull("octo/hello", base_sha, head_sha, title="Greet")

Each method that GitHub would announce delivers its webhook and returns when it is answered.
"""

from __future__ import annotations

import functools
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.runtime.ports import listen
from bot.sandbox import webhook_events
from bot.sandbox.faults import Faults
from bot.sandbox.git import git, write
from bot.sandbox.git.authors import AUTHOR
from bot.sandbox.http_server import application, serving
from bot.sandbox.people import People
from bot.sandbox.records import Repository
from bot.sandbox.state import App, Exchange, Installation, SandboxState, utc_now
from bot.sandbox.webhook_sender import Hooks


class Sandbox(People):
    """A running sandbox GitHub. Use it as an asynchronous context manager.

    `url` is the web root, `api_url` the REST root (`…/api/v3`); `private_key_pem`, `app_id`,
    `webhook_secret` and `installation_id` are what the App is configured with; `faults` takes
    planned trouble, `state` is everything that stands on it.
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
        state = SandboxState(
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
        super().__init__(state, Hooks(state))
        self.installation_id = self.add_installation(account).id
        self.faults = Faults()
        self._directory = directory
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Sandbox:
        """Start serving."""
        if self._directory is None:
            temporary = tempfile.TemporaryDirectory(prefix="glossator-sandbox-")
            self._directory = Path(self._stack.enter_context(temporary))
        app = application(self.state, self._hooks, self.faults)
        await self._stack.enter_async_context(serving(app, self._listener))
        self._stack.push_async_callback(self._hooks.aclose)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        await self._stack.aclose()

    # What the tests ask about.

    @property
    def requests(self) -> list[Exchange]:
        """Every request that came in, with its answer."""
        return self.state.requests

    def writes(self) -> list[Exchange]:
        """The requests that changed what stands on a repository, whatever was answered."""
        return [exchange for exchange in self.state.requests if exchange.wrote]

    # Accounts and repositories.

    @property
    def webhook_url(self) -> str:
        """Where deliveries go; empty for nowhere."""
        return self.state.app.webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self.state.app.webhook_url = url

    def add_installation(self, account: str) -> Installation:
        """Install the App on one more account."""
        self.state.user(account)
        installation = Installation(
            id=self.state.next_id(), account=account, created_at=self.state.now()
        )
        self.state.installations[installation.id] = installation
        return installation

    async def uninstall(self, account: str) -> None:
        """Take the App from an account: `installation.deleted`."""
        removed = self._installation_for(account)
        payload = webhook_events.installation(self.state, removed, "deleted", account)
        del self.state.installations[removed.id]
        await self.deliver("installation", payload)

    async def suspend(self, account: str) -> None:
        """Let the App do nothing there for a while: `installation.suspend`."""
        installation = self._installation_for(account)
        installation.suspended_at = self.state.now()
        payload = webhook_events.installation(self.state, installation, "suspend", account)
        await self.deliver("installation", payload)

    async def remove_repository(self, full_name: str) -> None:
        """Take one repository from the App: `installation_repositories.removed`."""
        repo = self.repository(full_name)
        installation = self._installation_for(repo.owner)
        installation.repository_ids.discard(repo.id)
        payload = webhook_events.installation_repositories(
            self.state, installation, repo, "removed", repo.owner
        )
        await self.deliver("installation_repositories", payload)

    async def add_repository(
        self, full_name: str, source: Path | None = None, *, installed: bool = True
    ) -> Repository:
        """Add a repository: a real one's branches and objects, or an empty one.

        `installed` gives it to the installation of its owner, or to the first one. Raises
        GitFailed if `source` is no git repository.
        """
        assert self._directory is not None
        target = self._directory / f"{full_name}.git"
        await (write.adopt(source, target) if source else write.create(target))
        head = (await git.run(target, "symbolic-ref", "--short", "HEAD")).decode().strip()
        repository = Repository(
            id=self.state.next_id(),
            full_name=full_name,
            git_dir=target,
            default_branch=head,
            created_at=self.state.now(),
        )
        self.state.repositories[full_name] = repository
        self.permit(full_name, repository.owner, "admin")
        self.permit(full_name, AUTHOR, "write")
        if installed:
            self._installation_for(repository.owner).repository_ids.add(repository.id)
        return repository

    def _installation_for(self, account: str) -> Installation:
        installations = list(self.state.installations.values())
        return next((i for i in installations if i.account == account), installations[0])

    async def commit(
        self,
        full_name: str,
        files: Mapping[str, str | bytes | None],
        *,
        parent: str | None = None,
        message: str = "Change files",
    ) -> str:
        """Make a commit (contents by path, None removes) and return its SHA; no ref moves."""
        when = int(self.state.now().timestamp())
        git_dir = self.repository(full_name).git_dir
        return await write.write_commit(git_dir, files, parent=parent, message=message, when=when)

    async def set_branch(self, full_name: str, name: str, sha: str) -> None:
        """Let a branch point at a commit; nothing is announced."""
        await write.set_ref(self.repository(full_name).git_dir, f"refs/heads/{name}", sha)

    def grant(self, permission: str, level: str) -> None:
        """Let every installation accept that the App may do this, as `contents`, `write`.
        Tokens of earlier are not changed."""
        for installation in self.state.installations.values():
            installation.permissions[permission] = level

    def permit(self, full_name: str, login: str, role: str) -> None:
        """Give a person a role: admin, maintain, write, triage, read or none."""
        self.state.user(login)
        self.repository(full_name).permissions[login] = role


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
