"""Where a review without a server gets its subject from."""

import httpx2

from bot.github.app import GitHubApp
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from workers.subjects import github_pull

REPO = "octo/hello"


async def test_mistakes_in_a_pull_requests_configuration_are_kept() -> None:
    async with Sandbox() as sandbox, httpx2.AsyncClient() as http:
        repository = await sandbox.add_repository(REPO)
        files = {"a.txt": "1\n", ".github/glossator.yml": "drafts: true\nseverity: high\n"}
        base = await sandbox.commit(REPO, files)
        head = await sandbox.commit(REPO, {"a.txt": "2\n"}, parent=base, message="Two")
        number = await sandbox.open_pull(REPO, base, head)
        app = GitHubApp(
            api_url=sandbox.api_url,
            app_id=sandbox.app_id,
            private_key=sandbox.private_key_pem,
            http=http,
        )
        may = {"contents": "read", "pull_requests": "read"}
        token = await app.installation_token(sandbox.installation_id, repository.id, may)
        settings = Settings(_env_file=None, github_api_url=sandbox.api_url, github_url=sandbox.url)
        subject = await github_pull(f"{REPO}#{number}", token, settings)
    assert subject.config.drafts
    [note] = subject.notes
    assert note.startswith("`.github/glossator.yml`, line 2: `severity` is not a known key.")
