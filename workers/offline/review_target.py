"""Where a review without a server gets its subject from: a local range, or GitHub by a token."""

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A repository on this machine. `common` is where it keeps its objects, which is also where
    they can be fetched from; `top` the folder with its files, None in a bare one."""

    common: Path
    top: Path | None
    object_format: str

    @classmethod
    async def of(cls, repo: Path) -> Self:
        """The repository that the folder `repo` is part of. Raises TargetNotFound."""
        if not await asyncio.to_thread(repo.is_dir):
            raise TargetNotFound(f"{repo} is not a directory.")
        try:
            common = await absolute_path(repo, "--git-common-dir")
        except TargetNotFound as exc:
            if "not a git repository" in str(exc):
                raise TargetNotFound(f"{repo} is not in a git repository.") from exc
            raise  # it belongs to somebody else, or is damaged: git says so
        inside = await git(repo, "rev-parse", "--is-inside-work-tree", "--show-object-format")
        has_files, object_format = inside.split()
        top = await absolute_path(repo, "--show-toplevel") if has_files == "true" else None
        return cls(common=common, top=top, object_format=object_format)

    @property
    def objects(self) -> Path:
        return self.common / "objects"

    @property
    def name(self) -> str:
        return (self.common.parent if self.common.name == ".git" else self.common).name


async def local_range(repo: Path, base: str, head: str, paths: Sequence[str] = ()) -> ReviewTarget:
    """The change from the merge base of two commits to `head`, of a repository on this machine.

    `repo` is an absolute path, of the repository or of a folder in it; only `paths`, relative to
    it, are reviewed if any are given. Its configuration is read from `base`, as on GitHub; "" is
    the remote's default branch, or main. Raises TargetNotFound and NothingChanged.
    """
    checkout = await Checkout.of(repo)
    only = within(checkout.top, repo, paths)
    base = base or await default_base(repo)
    base_sha, head_sha = await commit_of(repo, base), await commit_of(repo, head)
    merge_base = await _merge_base(repo, (base, base_sha), (head, head_sha))
    if await _same_files(repo, merge_base, head_sha, only):
        where = f" in {', '.join(paths)}" if paths else ""
        raise NothingChanged(f"No changes between {base} and {head}{where}.")
    messages = await git(repo, "log", "-z", "--format=%B", f"{merge_base}..{head_sha}")
    commits = tuple(text.strip() for text in messages.split("\0") if text.strip())[::-1]
    title = commits[-1].splitlines()[0] if commits else f"{base}..{head}"
    parsed = await config_at(repo, base_sha)
    return ReviewTarget(
        source=Source(
            # git decodes the path of an address
            url=f"file://{quote(os.fsencode(checkout.common))}",
            token="",
            merge_base=merge_base,
            head_sha=head_sha,
            number=0,
            paths=only,
        ),
        pull=local_pull(base, base_sha, head, head_sha, title),
        pr_context=PullRequestContext(title=title, body="", commits=commits),
        repository=Repository(0, 0, checkout.name),
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


def local_pull(base: str, base_sha: str, head: str, head_sha: str, title: str) -> PullRequest:
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


async def config_at(repo: Path, base_sha: str) -> repository_config.ParsedConfig:
    try:
        text = await git(repo, "cat-file", "blob", f"{base_sha}:{repository_config.FILE}")
    except TargetNotFound:  # no such file, which is usual
        return repository_config.ParsedConfig()
    return repository_config.parse(text)


async def absolute_path(repo: Path, *options: str) -> Path:
    """A place of the repository, as `git rev-parse` names it. Raises TargetNotFound."""
    found = await git(repo, "rev-parse", "--path-format=absolute", *options)
    return Path(found.removesuffix("\n"))


def within(top: Path | None, repo: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """These files and folders by their paths in the repository. Raises TargetNotFound for one
    outside of it."""
    root = top or repo
    found = []
    for path in paths:
        relative = os.path.relpath(os.path.join(repo, path), root)
        if relative.split(os.sep)[0] == os.pardir:
            raise TargetNotFound(f"{path} is not in the repository {root}.")
        found.append("" if relative == os.curdir else Path(relative).as_posix())
    return () if "" in found else tuple(found)


async def _merge_base(repo: Path, base: tuple[str, str], head: tuple[str, str]) -> str:
    """Of two commits, each by its name and its SHA."""
    try:
        return (await git(repo, "merge-base", base[1], head[1])).strip()
    except _Unrelated as exc:
        raise TargetNotFound(
            f"{base[0]!r} and {head[0]!r} have no common ancestor in {repo}; if it is a shallow "
            "clone, run `git fetch --unshallow`."
        ) from exc


async def _same_files(repo: Path, one: str, other: str, only: tuple[str, ...]) -> bool:
    if only:
        listings = [
            await git(repo, "--literal-pathspecs", "ls-tree", "-r", "--full-tree", sha, *only)
            for sha in (one, other)
        ]
        return listings[0] == listings[1]
    trees = await git(repo, "log", "--no-walk", "--format=%T", one, other)
    return len(set(trees.split())) == 1


async def default_base(repo: Path) -> str:
    """`origin/main` where the clone knows the remote's default branch, else `main`."""
    try:
        found = await git(repo, "rev-parse", "--abbrev-ref", "--verify", "origin/HEAD")
    except TargetNotFound:
        return await _usual_base(repo)
    return found.strip()


async def _usual_base(repo: Path) -> str:
    """The first that exists of what default branches are called; `main` if there is none."""
    for name in ("origin/main", "origin/master", "main", "master"):
        try:
            await commit_of(repo, name)
        except TargetNotFound:
            continue
        return name
    return "main"


async def commit_of(repo: Path, name: str) -> str:
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
    command = next(word for word in arguments if not word.startswith("-"))
    if code == 1 and not err:
        raise _Unrelated(f"git {command} found nothing in {repo}.")
    if code:
        reason = _reason(err.decode(errors="replace"))
        raise TargetNotFound(f"git {command} failed in {repo}: {reason}.")
    return out.decode(errors="replace")


def _reason(stderr: str) -> str:
    """git's own sentence, without the advice that follows it."""
    lines = stderr.strip().splitlines()
    fatal = (line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: "))
    return next(fatal, lines[-1] if lines else "it does not say why").rstrip(".")
