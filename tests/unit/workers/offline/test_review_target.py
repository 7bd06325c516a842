"""Where a review without a server gets its subject from."""

from collections.abc import AsyncIterator

import pytest

from bot.config.settings import Settings
from bot.sandbox.api.auth import mint
from bot.sandbox.server import Sandbox
from workers.offline.local_review import Subject
from workers.offline.review_target import NoSubject, github_pull

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


async def _asked(sandbox: Sandbox, named: str = f"{REPO}#1", **permissions: str) -> Subject:
    """With a token for all repositories; without `permissions`, with all of them."""
    installation = sandbox.state.installations[sandbox.installation_id]
    token = mint(sandbox.state, installation, {"permissions": permissions}).value
    settings = Settings(_env_file=None, github_api_url=sandbox.api_url, github_url=sandbox.url)
    return await github_pull(named, token, settings)


async def test_mistakes_in_a_pull_requests_configuration_are_kept(sandbox: Sandbox) -> None:
    subject = await _asked(sandbox)
    assert subject.config.drafts
    [note] = subject.notes
    assert note.startswith("`.github/glossator.yml`, line 2: `severity` is not a known key.")


async def test_an_organisations_defaults_hold_as_on_the_server(sandbox: Sandbox) -> None:
    await sandbox.add_repository("octo/.github")
    shared = {".github/glossator.yml": "drafts: false\nmax_comments: 7\nbot: true\n"}
    await sandbox.set_branch("octo/.github", "main", await sandbox.commit("octo/.github", shared))
    subject = await _asked(sandbox)
    assert (subject.config.drafts, subject.config.max_comments) == (True, 7)
    assert subject.notes[0].startswith("`octo/.github: .github/glossator.yml`, line 3: `bot`")


@pytest.mark.parametrize(
    ("named", "permissions", "says"),
    [
        (f"{REPO}#1", {"pull_requests": "read"}, f"may not read all of {REPO}#1: it takes"),
        (f"{REPO}#2", {}, f"GitHub knows no {REPO}#2, or does not show it to this token"),
        (f"{REPO}/pull/1", {}, "names no pull request: write it as owner/name#12"),
    ],
)
async def test_what_a_token_does_not_show_is_told_without_speaking_of_the_app(
    sandbox: Sandbox, named: str, permissions: dict[str, str], says: str
) -> None:
    with pytest.raises(NoSubject, match=says):
        await _asked(sandbox, named, **permissions)
