"""A diff from standard input as a change to review: on the commit that it applies to, or alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bot.config.repository_config import ParsedConfig
from bot.config.settings import Settings
from bot.domain.model import PullRequestContext, Repository
from workers.offline.local_review import ReviewTarget
from workers.offline.review_target import (
    Checkout,
    NothingChanged,
    TargetNotFound,
    commit_of,
    config_at,
    default_base,
    local_pull,
)
from workers.offline.scratch import Scratch, scratch
from workers.offline.unified_diff import BadDiff, FilePatch, split_diff
from workers.scan.repository.clone import Source
from workers.scan.repository.errors import CloneError

#: What judges a file by a part of it; the others need all of it to parse.
READS_PARTS = frozenset({"secrets", "hidden-characters", "merge"})

ALONE = (
    "Only the diff was available: lines outside its hunks, other files, history and the "
    "repository's configuration are unknown. Nothing could be looked up, and analyzers that need "
    "whole files did not run."
)
_BINARY = "Binary files of the diff were not reviewed: {}."
_TITLE = "Diff from standard input"


@asynccontextmanager
async def from_diff(
    diff: bytes, repo: Path, base: str, settings: Settings
) -> AsyncIterator[ReviewTarget]:
    """The change that the diff makes to `base`, to HEAD or to the default branch, whichever it
    applies to first; else to files of which nothing but the diff is known, in which case the
    target is `alone`. Raises TargetNotFound, NothingChanged and CloneError."""
    if not diff.strip():
        raise NothingChanged("The diff is empty.")
    try:
        patches = split_diff(diff)
    except BadDiff as exc:
        raise TargetNotFound(str(exc)) from exc
    text = [patch for patch in patches if not patch.binary]
    notes = _binary_note([patch for patch in patches if patch.binary])
    checkout = await _checkout(repo)
    if checkout is not None:
        async with scratch(
            settings, objects=checkout.objects, object_format=checkout.object_format
        ) as ours:
            for name in [base] if base else ["HEAD", await default_base(repo)]:
                if target := await _applied(ours, text, repo, name, checkout):
                    yield replace(target, notes=(*notes, *target.notes))
                    return
    if base:
        raise TargetNotFound(f"The diff does not apply to {base}.")
    async with scratch(settings) as ours:
        target = await _alone(ours, text)
        yield replace(target, notes=(ALONE, *notes))


def without_repository(settings: Settings) -> Settings:
    """The settings for a target that is alone."""
    from workers.scan.analyzers.registry import NAMES

    disabled = {*settings.analyzers_disabled} | ({*NAMES} - READS_PARTS)
    return settings.model_copy(
        update={"look_up_rounds": 0, "analyzers_disabled": tuple(sorted(disabled))}
    )


async def _checkout(repo: Path) -> Checkout | None:
    try:
        return await Checkout.of(repo)
    except TargetNotFound:  # no repository here; the diff is all there is
        return None


async def _applied(
    ours: Scratch, patches: list[FilePatch], repo: Path, name: str, checkout: Checkout
) -> ReviewTarget | None:
    """The target if the diff applies to that commit. Raises TargetNotFound only for none at all."""
    try:
        base = await commit_of(repo, name)
        await ours.git.local("read-tree", base)
    except (TargetNotFound, CloneError):
        return None
    if not await _apply(ours, patches):
        return None
    parsed = await config_at(repo, base)
    return await _target(ours, name, base, checkout.name, parsed)


async def _alone(ours: Scratch, patches: list[FilePatch]) -> ReviewTarget:
    await ours.git.local("read-tree", "--empty")
    known = {
        patch.old_path.decode("utf-8", "surrogateescape"): await ours.blob(patch.old)
        for patch in patches
        if patch.old_path is not None
    }
    if known:
        await ours.stage(known)
    base = await ours.commit(await ours.tree())
    if not await _apply(ours, patches):
        raise TargetNotFound(
            "git cannot apply the diff: it is cut off, or names a path that no file may have."
        )
    target = await _target(ours, "diff", base, "diff", ParsedConfig())
    return replace(target, alone=True, pr_context=PullRequestContext(title=_TITLE, body=ALONE))


async def _apply(ours: Scratch, patches: list[FilePatch]) -> bool:
    """Whether the index now holds what the diff makes of it."""
    text = b"".join(patch.text for patch in patches)
    if not text:
        return True
    for strip in ("-p1", "-p0"):
        options = "--cached", "--whitespace=nowarn", "--unidiff-zero", strip
        try:
            await ours.git.local("apply", *options, stdin=text)
        except CloneError:
            continue
        return True
    return False


async def _target(
    ours: Scratch, name: str, base: str, repository: str, parsed: ParsedConfig
) -> ReviewTarget:
    head = await ours.commit(await ours.tree(), base)
    return ReviewTarget(
        source=Source(url=ours.url, token="", merge_base=base, head_sha=head, number=0),
        pull=local_pull(name, base, "diff", head, _TITLE),
        pr_context=PullRequestContext(title=_TITLE, body=""),
        repository=Repository(0, 0, repository),
        config=parsed.config,
        notes=parsed.warnings,
        protocols=("file",),
    )


def _binary_note(binary: list[FilePatch]) -> tuple[str, ...]:
    names = [(patch.old_path or b"a new file").decode(errors="replace") for patch in binary]
    return (_BINARY.format(", ".join(names)),) if names else ()
