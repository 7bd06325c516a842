"""A scan of a repository of this machine, for tests that want what it gives."""

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Brief, Category, PullRequest
from tests.support.pulls import PULL
from workers.scan.repository.clone import Source
from workers.scan.scan import Report, Scanned, scan

_DEFAULTS = RepoConfig()
_BRIEF = Brief(title="t", body="")


async def _untold(percent: int, text: str) -> None:
    return None


async def scanned(
    source: Source,
    settings: Settings,
    config: RepoConfig = _DEFAULTS,
    *,
    pull: PullRequest = PULL,
    brief: Brief = _BRIEF,
    focus: Category | None = None,
    on_progress: Report = _untold,
) -> Scanned:
    return await scan(
        source,
        pull,
        brief,
        settings,
        config,
        focus=focus,
        on_progress=on_progress,
        protocols=("file",),
    )
