"""A scan of a repository of this machine, for tests that want what it gives."""

from pathlib import Path

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings, load
from bot.domain.model import Category, Finding, PullRequest, PullRequestContext
from bot.domain.progress import Progress
from tests.support.pulls import PULL
from tests.support.repositories import Repository
from workers.scan.dependencies import AskDependencies
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
    ask_dependencies: AskDependencies | None = None,
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
        ask_dependencies=ask_dependencies,
    )


Files = dict[str, str]
#: Files that the change writes or deletes (None).
Changed = dict[str, str | None]


def _files(files: Files) -> dict[str | bytes, str | bytes]:
    return dict(files.items())


async def leftovers_of(
    folder: Path, before: Files, changed: Changed, *disabled: str
) -> list[Finding]:
    """What is left of what a change removes, in a repository with the files `before`, without a
    model and other analyzers."""
    kept = {path: text for path, text in before.items() if changed.get(path, "") is not None}
    after = kept | {path: text for path, text in changed.items() if text is not None}
    source = Repository(folder / "upstream.git").change(_files(before), _files(after))
    config = RepoConfig(analyzers_disabled=("ruff", "oxlint", "secrets", *disabled))
    evidence = (await scanned(source, load(_env_file=None), config)).scan.evidence
    assert all(each.source.startswith("leftovers:") for each in evidence)
    return list(evidence)
