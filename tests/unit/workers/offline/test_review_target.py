"""Where a review without a server gets its subject from."""

from collections.abc import AsyncIterator

import pytest

from bot.config.settings import Settings
from bot.sandbox.api.auth import create_token
from tests.support.sandbox.server import Sandbox
from workers.offline.local_review import ReviewTarget
from workers.offline.review_target import TargetNotFound, github_pull

REPO = "octo/hello"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """With a pull request into a branch whose configuration holds a mistake."""
    async with Sandbox() as sandbox:
        await sandbox.add_repository(REPO)
        files = {"a.txt": "1\n", ".github/glossator.yml": "drafts: true\nseverity: high\n"}
        base = await sandbox.commit(REPO, files)
        head = await sandbox.commit(REPO, {"a.txt": "2\n"}, parent=base, message="Two")
        await sandbox.open_pull(REPO, base, head)
        yield sandbox


async def _asked(sandbox: Sandbox, named: str = f"{REPO}#1", **permissions: str) -> ReviewTarget:
    """With a token for all repositories; without `permissions`, with all of them."""
    installation = sandbox.state.installations[sandbox.installation_id]
    token = create_token(sandbox.state, installation, {"permissions": permissions}).value
    settings = Settings(_env_file=None, github_api_url=sandbox.api_url, github_url=sandbox.url)
    return await github_pull(named, token, settings)


async def test_mistakes_in_a_pull_requests_configuration_are_kept(sandbox: Sandbox) -> None:
    target = await _asked(sandbox)
    assert target.config.drafts
    [note] = target.notes
    assert note.startswith("`.github/glossator.yml`, line 2: `severity` is not a known key.")


async def test_an_organizations_defaults_hold_as_on_the_server(sandbox: Sandbox) -> None:
    await sandbox.add_repository("octo/.github")
    shared = {".github/glossator.yml": "drafts: false\nmax_comments: 7\nbot: true\n"}
    await sandbox.set_branch("octo/.github", "main", await sandbox.commit("octo/.github", shared))
    target = await _asked(sandbox)
    assert (target.config.drafts, target.config.max_comments) == (True, 7)
    assert target.notes[0].startswith("`octo/.github: .github/glossator.yml`, line 3: `bot`")


@pytest.mark.parametrize(
    ("named", "permissions", "expected_text"),
    [
        (f"{REPO}#1", {"pull_requests": "read"}, f"cannot read all of {REPO}#1; it needs"),
        (f"{REPO}#2", {}, f"{REPO}#2 was not found, or this token can't access it"),
        (f"{REPO}/pull/1", {}, "is not a pull request; write owner/name#12"),
    ],
)
async def test_what_a_token_cannot_read_is_reported_without_mentioning_the_app(
    sandbox: Sandbox, named: str, permissions: dict[str, str], expected_text: str
) -> None:
    with pytest.raises(TargetNotFound, match=expected_text):
        await _asked(sandbox, named, **permissions)
