"""What the author says of a change, and what failed on it, for the model."""

import asyncio
import contextlib
import re

from bot.domain.model import FailedCheck, PullRequest, PullRequestContext
from bot.github import pulls
from bot.github.checks import failed_checks
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, NotFound
from bot.telemetry import log
from workers.reports.description import without_overview

_log = log.get(__name__)

#: https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_ISSUE = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#([0-9]{1,9})\b", re.IGNORECASE
)


async def read_pull_context(
    gh: GitHub, repo: str, pull: PullRequest, *, own_app: str = ""
) -> PullRequestContext:
    """Title, text and commit messages, with the issue that the text says is closed, if it names
    one that we may read. With `own_app`, the id of our App, also what checks of others failed."""
    commits, issue, failed = await asyncio.gather(
        pulls.list_commits(gh, repo, pull.number),
        _issue(gh, repo, without_overview(pull.body)),
        _failed_checks(gh, repo, pull.head_sha, own_app),
    )
    return PullRequestContext(
        title=pull.title,
        body=without_overview(pull.body),
        commits=tuple(commit.message for commit in commits),
        issue=issue,
        failed_checks=failed,
    )


async def _failed_checks(gh: GitHub, repo: str, sha: str, own_app: str) -> tuple[FailedCheck, ...]:
    """They are evidence, and no review waits or fails for them."""
    if not own_app or gh.is_scarce:
        return ()
    try:
        return await failed_checks(gh, repo, sha, own_app)
    except GitHubError as exc:
        _log.info("failed_checks_not_read", head=sha, why=str(exc))
        return ()


async def _issue(gh: GitHub, repo: str, body: str) -> str:
    linked = _ISSUE.search(body)
    with contextlib.suppress(NotFound, Forbidden):
        if linked:
            found = await pulls.get_issue(gh, repo, int(linked[1]))
            return f"{found.title}\n\n{found.body}"
    return ""
