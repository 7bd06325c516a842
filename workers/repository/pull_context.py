"""What the author says of a change, for the model."""

import asyncio
import contextlib
import re

from bot.domain.model import PullRequest, PullRequestContext
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import Forbidden, NotFound

#: https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_ISSUE = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#([0-9]{1,9})\b", re.IGNORECASE
)


async def read_pull_context(gh: GitHub, repo: str, pull: PullRequest) -> PullRequestContext:
    """Title, text and commit messages, with the issue that the text says is closed, if it names
    one that we may read."""
    commits, issue = await asyncio.gather(
        pulls.list_commits(gh, repo, pull.number), _issue(gh, repo, pull.body)
    )
    return PullRequestContext(
        title=pull.title,
        body=pull.body,
        commits=tuple(commit.message for commit in commits),
        issue=issue,
    )


async def _issue(gh: GitHub, repo: str, body: str) -> str:
    linked = _ISSUE.search(body)
    with contextlib.suppress(NotFound, Forbidden):
        if linked:
            found = await pulls.get_issue(gh, repo, int(linked[1]))
            return f"{found.title}\n\n{found.body}"
    return ""
