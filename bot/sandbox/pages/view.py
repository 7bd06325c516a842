"""What the pages of a pull request show, read from the sandbox's state (pure)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from bot.sandbox.pages.diff_rows import Row, rows
from bot.sandbox.pages.markup import markdown
from bot.sandbox.state import CheckRun, IssueComment, Pull, Reaction, Repository, ReviewComment

#: Lines of code above a comment in the conversation, as on GitHub.
CONTEXT_LINES = 4

#: An answer to a comment takes no longer.
ANSWER_SECONDS = 120

_EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}


@dataclass(frozen=True, slots=True)
class Comment:
    """One text by somebody; `anchor` is its id on the page."""

    anchor: str
    user: str
    when: datetime
    body: Markup
    reactions: Sequence[tuple[str, int]] = ()
    minimized: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """The comments on one place, and the id of the first; `code` are the lines above it."""

    first_id: int
    path: str
    line: int | None
    resolved_by: str
    outdated: bool
    code: Sequence[Row]
    comments: Sequence[Comment]


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of the conversation: a comment, or a review with its threads."""

    comment: Comment
    verb: str
    threads: Sequence[Thread] = ()


def conversation(repo: Repository, pull: Pull) -> list[Entry]:
    """The description, then comments and reviews, oldest first."""
    description = Comment(
        "description", pull.author, pull.created_at, markdown(pull.body), reactions(pull.reactions)
    )
    found = [
        (item.created_at, item.id, Entry(_issue_comment(item), "commented"))
        for item in repo.issue_comments.values()
        if item.number == pull.number
    ]
    by_review = _threads_by_review(repo, pull)
    verbs = {"CHANGES_REQUESTED": "requested changes", "APPROVED": "approved these changes"}
    for review in repo.reviews.values():
        threads = by_review.get(review.id, ())
        if review.number != pull.number or review.submitted_at is None:
            continue
        if not review.body and not threads:
            continue  # the shell that GitHub puts around a reply
        body = markdown(review.body)
        comment = Comment(f"pullrequestreview-{review.id}", review.user, review.submitted_at, body)
        entry = Entry(comment, verbs.get(review.state, "reviewed"), threads)
        found.append((review.submitted_at, review.id, entry))
    found.sort(key=lambda each: each[:2])
    return [Entry(description, "opened this pull request"), *(entry for _, _, entry in found)]


def threads_at(repo: Repository, pull: Pull) -> Mapping[tuple[str, str, int], list[Thread]]:
    """The threads of the pull request by path, side and line; those on old lines are left out."""
    found = defaultdict[tuple[str, str, int], list[Thread]](list)
    for first, thread in _threads(repo, pull):
        if first.line is not None:
            found[first.path, first.side, first.line].append(thread)
    return found


def checks(repo: Repository, pull: Pull) -> list[CheckRun]:
    """The check runs on the head, newest first."""
    runs = [run for run in repo.check_runs.values() if run.head_sha == pull.head_sha]
    return sorted(runs, key=lambda run: -run.id)


def awaits_answer(repo: Repository, pull: Pull, now: datetime) -> bool:
    """Whether the last word is a person's and so new that the App may still answer it."""
    items: list[IssueComment | ReviewComment] = [
        *repo.issue_comments.values(),
        *repo.review_comments.values(),
    ]
    said = [(each.created_at, each.id, each.user) for each in items if each.number == pull.number]
    if not said:
        return False
    when, _, user = max(said)
    return not user.endswith("[bot]") and (now - when).total_seconds() < ANSWER_SECONDS


def reactions(given: Iterable[Reaction]) -> list[tuple[str, int]]:
    """Each emoji and how often it was given."""
    counted = defaultdict[str, int](int)
    for reaction in given:
        counted[_EMOJI.get(reaction.content, reaction.content)] += 1
    return list(counted.items())


def _issue_comment(item: IssueComment) -> Comment:
    return Comment(
        f"issuecomment-{item.id}",
        item.user,
        item.created_at,
        markdown(item.body),
        reactions(item.reactions),
        item.minimized or "",
    )


def _threads_by_review(repo: Repository, pull: Pull) -> dict[int, list[Thread]]:
    found = defaultdict[int, list[Thread]](list)
    for first, thread in _threads(repo, pull):
        found[first.review_id].append(thread)
    return found


def _threads(repo: Repository, pull: Pull) -> list[tuple[ReviewComment, Thread]]:
    """Each thread with its first comment, in the order in which they were begun."""
    by_thread = defaultdict[str, list[ReviewComment]](list)
    for item in repo.review_comments.values():
        if item.number == pull.number:
            by_thread[item.thread_id].append(item)
    return [(items[0], _thread(repo, items)) for items in by_thread.values()]


def _thread(repo: Repository, items: Sequence[ReviewComment]) -> Thread:
    first, known = items[0], repo.threads.get(items[0].thread_id)
    hunk = rows(first.diff_hunk, first.path)
    return Thread(
        first_id=first.id,
        path=first.path,
        line=first.line or first.original_line,
        resolved_by=known.resolved_by or "" if known else "",
        outdated=bool(known and known.outdated),
        code=[row for row in hunk if row.kind != "hunk"][-CONTEXT_LINES:],
        comments=[
            Comment(
                f"discussion_r{item.id}",
                item.user,
                item.created_at,
                markdown(item.body, _commented_lines(first, hunk)),
                reactions(item.reactions),
                item.minimized or "",
            )
            for item in items
        ],
    )


def _commented_lines(comment: ReviewComment, hunk: Sequence[Row]) -> list[str]:
    """The lines of the new side that the comment is on: what a suggestion replaces."""
    last = comment.original_line or 0
    first = comment.original_start_line or last
    return [row.text for row in hunk if row.new is not None and first <= row.new <= last]
