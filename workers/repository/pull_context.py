"""What the author says of a change, and what failed on it, for the model."""

import asyncio
import contextlib
import re

from bot.domain.model import FailedCheck, PullRequest, PullRequestContext
from bot.github import pulls
from bot.github.checks import failed_checks
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, Invalid, NotFound
from bot.telemetry import log
from workers.reports.description import without_overview

_log = log.get(__name__)

#: Closing words and how they name an issue: `#12`, `owner/name#12`, or its address.
#: https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_ISSUE = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+"
    r"(?:https?://[\w.:-]{1,100}/(?P<at>[\w.-]{1,100}/[\w.-]{1,100})/issues/|"
    r"(?P<in>[\w.-]{1,100}/[\w.-]{1,100})?#)(?P<number>[0-9]{1,9})\b",
    re.IGNORECASE,
)
#: Issues that are read, and characters of each.
MAX_ISSUES, MAX_ISSUE_CHARACTERS = 5, 4000


async def read_pull_context(
    gh: GitHub, repo: str, pull: PullRequest, *, own_app: str = ""
) -> PullRequestContext:
    """Title, text and commit messages, with the issues that the text says are closed, as far as
    they may be shown. With `own_app`, the id of our App, also what checks of others failed."""
    commits, issue, failed = await asyncio.gather(
        pulls.list_commits(gh, repo, pull.number),
        _issues(gh, repo, without_overview(pull.body)),
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


async def _issues(gh: GitHub, repo: str, body: str) -> str:
    """The issues that are closed, each with its title; what cannot be read is left out."""
    found: dict[tuple[str, int], None] = {}
    for linked in _ISSUE.finditer(body):
        found.setdefault((linked["at"] or linked["in"] or repo, int(linked["number"])))
    named = list(found)[:MAX_ISSUES]
    texts = await asyncio.gather(*(_issue(gh, repo, *where) for where in named))
    return "\n\n".join(filter(None, texts))


async def _issue(gh: GitHub, repo: str, at: str, number: int) -> str:
    """The issue, of this repository or of a public one: whoever reads the review may read those.
    Who may read a private repository need not be let read another, also not of the same owner, and
    anybody who opens a pull request chooses what it links to."""
    with contextlib.suppress(NotFound, Forbidden, Invalid, ValueError):
        own = at.casefold() == repo.casefold()
        if own or await pulls.is_public(gh, at):
            found = await pulls.get_issue(gh, at, number)
            if found.repository.casefold() == at.casefold():  # else it was moved
                name = f"#{number}" if own else f"{at}#{number}"
                return f"{name} {found.title}\n\n{found.body}"[:MAX_ISSUE_CHARACTERS]
    return ""
