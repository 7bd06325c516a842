"""Where a review without a server gets its subject from: a local range, or GitHub by a token."""

import asyncio
import os
import re
from pathlib import Path
from urllib.parse import quote

import httpx2

from bot.config import repository_config
from bot.config.settings import Settings
from bot.domain.model import PullRequest, PullRequestContext, Repository
from bot.github import pulls
from bot.github.app import token_client
from bot.github.client import GitHub
from bot.github.errors import Forbidden, NotFound, Unauthorized
from bot.runtime.subprocesses import run_git
from bot.security.tls import trusted
from workers.offline.local_review import ReviewTarget
from workers.repository.configuration import read_files
from workers.repository.pull_context import read_pull_context
from workers.scan.repository.clone import Source

_PULL = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)#(?P<number>\d+)")


class TargetNotFound(Exception):
    """Raised when what shall be reviewed can't be had; the message is one sentence."""


class NothingChanged(Exception):
    """Raised when the range has no changes; the message is one sentence."""


class _Unrelated(TargetNotFound):
    """Raised when git ended with 1 and said nothing: an answer, not a failure."""


async def local_range(repo: Path, base: str, head: str) -> ReviewTarget:
    """The change from the merge base of two commits to `head`, of a repository on this machine.

    `repo` is an absolute path, of the repository or of a folder in it. Its configuration is
    read from `base`, as on GitHub; "" is the remote's default branch, or main. Raises
    TargetNotFound and NothingChanged.
    """
    directory = await _git_directory(repo)
    base = base or await _default_base(repo)
    base_sha, head_sha = await _commit(repo, base), await _commit(repo, head)
    merge_base = await _merge_base(repo, (base, base_sha), (head, head_sha))
    if await _same_tree(repo, merge_base, head_sha):
        raise NothingChanged(
            f"No changes between {base} and {head}. Commit first, or choose another --base."
        )
    messages = await git(repo, "log", "-z", "--format=%B", f"{merge_base}..{head_sha}")
    commits = tuple(text.strip() for text in messages.split("\0") if text.strip())[::-1]
    title = commits[-1].splitlines()[0] if commits else f"{base}..{head}"
    parsed = await _config(repo, base_sha)
    return ReviewTarget(
        source=Source(
            url=f"file://{quote(os.fsencode(directory))}",  # git decodes the path of an address
            token="",
            merge_base=merge_base,
            head_sha=head_sha,
            number=0,
        ),
        pull=_pull_of(base, base_sha, head, head_sha, title),
        pr_context=PullRequestContext(title=title, body="", commits=commits),
        repository=Repository(0, 0, _name_of(directory)),
        config=parsed.config,
        notes=parsed.warnings,
        protocols=("file",),
    )


async def github_pull(reference: str, token: str, settings: Settings) -> ReviewTarget:
    """A pull request named as `owner/name#12`, with the configuration that holds for it on the
    server, as far as the token may read it. Raises NoSubject or GitHubError."""
    match = _PULL.fullmatch(reference)
    if match is None:
        raise TargetNotFound(f"{reference!r} is not a pull request; write owner/name#12.")
    try:
        return await _fetch_from_github(match["repo"], int(match["number"]), token, settings)
    # GitHub's client speaks of the App, which is not what asks here.
    except Unauthorized as exc:
        raise TargetNotFound("GitHub rejected the token; create a new one.") from exc
    except Forbidden as exc:
        raise TargetNotFound(
            f"The token cannot read all of {reference}; it needs `contents: read` and `pull "
            "requests: read`."
        ) from exc
    except NotFound as exc:
        raise TargetNotFound(f"{reference} was not found, or this token can't access it.") from exc


async def _fetch_from_github(
    repo: str, number: int, token: str, settings: Settings
) -> ReviewTarget:
    async with httpx2.AsyncClient(verify=trusted()) as http:
        gh = token_client(settings.github_api_url, token, http, settings.github_timeout)

        async def same() -> GitHub:
            return gh

        pull = await pulls.get_pull(gh, repo, number)
        comparison, pr_context, repository_config = await asyncio.gather(
            pulls.compare(gh, repo, pull.base_sha, pull.head_sha),
            read_pull_context(gh, repo, pull),
            read_files(gh, repo, pull.base_ref, same),
        )
    return ReviewTarget(
        source=Source(
            url=f"{settings.github_url}/{repo}.git",
            token=token,
            merge_base=comparison.merge_base,
            head_sha=pull.head_sha,
            number=number,
        ),
        pull=pull,
        pr_context=pr_context,
        repository=Repository(0, 0, repo),
        config=repository_config.config,
        notes=repository_config.warnings,
    )


def _pull_of(base: str, base_sha: str, head: str, head_sha: str, title: str) -> PullRequest:
    """A local range as if it were a pull request; number 0 is none on GitHub."""
    return PullRequest(
        number=0,
        title=title,
        body="",
        author="",
        author_is_bot=False,
        draft=False,
        open=True,
        base_ref=base,
        base_sha=base_sha,
        head_ref=head,
        head_sha=head_sha,
        head_repository=None,
        labels=(),
        url="",
        changed_files=0,
        additions=0,
        deletions=0,
    )


async def _config(repo: Path, base_sha: str) -> repository_config.ParsedConfig:
    try:
        text = await git(repo, "cat-file", "blob", f"{base_sha}:{repository_config.FILE}")
    except TargetNotFound:  # no such file, which is usual
        return repository_config.ParsedConfig()
    return repository_config.parse(text)


async def _git_directory(repo: Path) -> Path:
    """Where the repository that `repo` is part of keeps its objects: fetching needs that place,
    and finds it from no folder within."""
    if not await asyncio.to_thread(repo.is_dir):
        raise TargetNotFound(f"{repo} is not a folder.")
    found = await git(repo, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return Path(found.removesuffix("\n"))


def _name_of(directory: Path) -> str:
    return (directory.parent if directory.name == ".git" else directory).name


async def _merge_base(repo: Path, base: tuple[str, str], head: tuple[str, str]) -> str:
    """Of two commits, each by its name and its SHA."""
    try:
        return (await git(repo, "merge-base", base[1], head[1])).strip()
    except _Unrelated as exc:
        raise TargetNotFound(
            f"{base[0]!r} and {head[0]!r} have no common ancestor in {repo}; if it is a shallow "
            "clone, run `git fetch --unshallow`."
        ) from exc


async def _same_tree(repo: Path, one: str, other: str) -> bool:
    trees = await git(repo, "log", "--no-walk", "--format=%T", one, other)
    return len(set(trees.split())) == 1


async def _default_base(repo: Path) -> str:
    """`origin/main` where the clone knows the remote's default branch, else `main`."""
    try:
        found = await git(repo, "rev-parse", "--abbrev-ref", "--verify", "origin/HEAD")
    except TargetNotFound:
        return "main"
    return found.strip()


async def _commit(repo: Path, name: str) -> str:
    try:
        found = await git(repo, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except TargetNotFound as exc:
        raise TargetNotFound(f"{name!r} is not a branch or commit in {repo}.") from exc
    return found.strip()


async def git(repo: Path, *arguments: str) -> str:
    """What git prints, in a repository of the person who runs us. Raises NoSubject."""
    try:
        code, out, err = await run_git("-C", str(repo), *arguments)
    except FileNotFoundError as exc:
        raise TargetNotFound("git is not installed.") from exc
    if code == 1 and not err:
        raise _Unrelated(f"git {arguments[0]} found nothing in {repo}.")
    if code:
        reason = _reason(err.decode(errors="replace"))
        raise TargetNotFound(f"git {arguments[0]} failed in {repo}: {reason}.")
    return out.decode(errors="replace")


def _reason(stderr: str) -> str:
    """git's own sentence, without the advice that follows it."""
    lines = stderr.strip().splitlines()
    fatal = (line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: "))
    return next(fatal, lines[-1] if lines else "it does not say why").rstrip(".")
