"""A scan of a repository of this machine, for tests that want what it gives."""

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Category, PullRequest, PullRequestContext
from bot.domain.progress import Progress
from tests.support.pulls import PULL
from workers.scan.repository.clone import Source
from workers.scan.scan import ProgressCallback, Scanned, scan

_DEFAULTS = RepoConfig()
_BRIEF = PullRequestContext(title="t", body="")


async def _ignore_progress(progress: Progress) -> None:
    return None


async def scanned(
    source: Source,
    settings: Settings,
    config: RepoConfig = _DEFAULTS,
    *,
    pull: PullRequest = PULL,
    pr_context: PullRequestContext = _BRIEF,
    focus: Category | None = None,
    on_progress: ProgressCallback = _ignore_progress,
) -> Scanned:
    return await scan(
        source,
        pull,
        pr_context,
        settings,
        config,
        focus=focus,
        on_progress=on_progress,
        protocols=("file",),
    )
