"""What a push does to review threads: lines move along, or the thread becomes outdated."""

from bot.sandbox.api.pulls import pull_files
from bot.sandbox.git import diff
from bot.sandbox.git.diff import HUNK_HEADER, parse
from bot.sandbox.state import Pull, Repository, ReviewComment


async def follow_threads(repo: Repository, pull: Pull, before: str) -> None:
    """Carry the line comments of a pull request from its old head to its new one.

    A comment whose line was changed away, or is no longer in the diff, becomes outdated.
    Comments on the left side do not move, since a push leaves the base alone.
    """
    moved = {
        item.previous_path or item.path: item
        for item in await diff.changed_files(repo.git_dir, before, pull.head_sha)
    }
    shown = {item.path: item.patch for item in await pull_files(repo, pull)}
    for comment in repo.review_comments.values():
        if comment.number != pull.number or comment.line is None:
            continue
        if comment.side == "RIGHT":
            _follow(comment, moved.get(comment.path))
        _find_position(comment, shown.get(comment.path))
        comment.commit_id = pull.head_sha
        if comment.line is None:
            repo.threads[comment.thread_id].outdated = True


def _follow(comment: ReviewComment, file: diff.FileDiff | None) -> None:
    """Move the comment's lines along with a file that changed between the two heads."""
    if file is None or comment.line is None:
        return
    if file.status == "removed":
        comment.line = None
        return
    comment.line = follow(file.patch, comment.line)
    if comment.start_line is not None and comment.start_side != "LEFT":
        comment.start_line = follow(file.patch, comment.start_line)
        # A range of which one end is gone is gone as a whole.
        if comment.start_line is None:
            comment.line = None


def _find_position(comment: ReviewComment, patch: str | None) -> None:
    """Set the comment's position in the new diff; without one, its lines are gone."""
    places = parse(patch).places if patch else {}
    place = places.get((comment.side, comment.line or 0))
    comment.position = place.position if place else None
    if place is None:
        comment.line = comment.start_line = None


def follow(patch: str | None, line: int) -> int | None:
    """Where a line of the old file stands in the new one, or None if it was changed away.

    `patch` is the file's patch from old to new; None means that the file did not change.
    """
    if patch is None:
        return line
    moved = 0
    old, new = 0, 0
    for text in patch.split("\n"):
        if header := HUNK_HEADER.match(text):
            old, new = int(header[1]), int(header[2])
            if old > line:
                return line + moved
            continue
        if text.startswith("-"):
            if old == line:
                return None
            old += 1
        elif text.startswith("+"):
            new += 1
        elif text.startswith(" "):
            if old == line:
                return new
            old, new = old + 1, new + 1
        moved = new - old
    return line + moved
