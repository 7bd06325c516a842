"""Does this start a review? Pure decisions with reasons.

A person's wish (a command, a button, the API) overrides what only keeps us from starting on
our own; nothing overrides that there is nothing to review:

    row                    on our own   by wish
    closed                 skip         skip
    no file changed        skip         skip
    only ignored paths     skip         skip
    paused                 skip         review once, stays paused
    skip label             skip         review
    skip marker in title   skip         review
    draft                  skip, unless `drafts: true`              review
    author is a bot        skip, unless `bots` or `bot_authors`     review
    a dependency bot       a short review, without the model        review
    `authors`, skipped     skip                                     review
    `review_on`            skip, if it is not what happened         review
    `pause_after` reviews  skip pushes                              review
    `only_labels`          skip, if it has none of them             review
    head branch, size      skip, if configured                      review
    from a fork            review, unless `forks: ask` or `skip`    review
    base branch            skip, if not among `base_branches`       review
    head already reviewed  skip         review, but for a plain `/review`
    quota of the day spent skip         skip
    author's hour spent    skip         review
    too large              review the riskiest files, with a note   the same
    repeated pushes        wait `settle_seconds` for the next push  start at once
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.config.repository_config import RepoConfig, ReviewOn
from bot.config.settings import Forks
from bot.domain.model import PullRequest, Trigger
from bot.text import globs
from templates.languages import _, plural


class SkipReason(StrEnum):
    CLOSED = "closed"
    NOTHING_CHANGED = "nothing_changed"
    IGNORED_PATHS = "excluded_paths"
    PAUSED = "paused"
    LABEL = "label"
    TITLE = "title"
    DRAFT = "draft"
    BOT = "bot"
    FORK = "fork"
    AUTHOR = "author"
    REVIEW_ON = "on_request_only"
    PAUSE_AFTER = "review_limit"
    NO_LABEL = "missing_label"
    HEAD_BRANCH = "head_branch"
    SIZE = "too_large"
    BASE_BRANCH = "base_branch"
    ALREADY_REVIEWED = "already_reviewed"
    QUOTA = "daily_limit"
    AUTHOR_QUOTA = "hourly_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Review it, `settle_seconds` from now. `note` is a sentence for the report, or "".
    `dependencies_only`: what a bot updates is told, and no model asked."""

    settle_seconds: int = 0
    note: str = ""
    dependencies_only: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave it. `message` is for people: no text of the pull request is in it."""

    reason: SkipReason
    message: str

    @property
    def full_message(self) -> str:
        """The sentence, and what somebody can do who wants a review all the same."""
        final = self.reason in _NOT_OVERRIDABLE or self.reason is SkipReason.PAUSED
        return self.message if final else f"{self.message} {_(REVIEW_ANYWAY)}"


#: What overrides the other reasons.
REVIEW_ANYWAY = "Comment `/review` to review it anyway."

#: What no wish overrides.
_NOT_OVERRIDABLE = frozenset(
    {
        SkipReason.CLOSED,
        SkipReason.NOTHING_CHANGED,
        SkipReason.IGNORED_PATHS,
        SkipReason.QUOTA,
        SkipReason.ALREADY_REVIEWED,
    }
)


def quota_exceeded(reviews: int) -> Skip:
    """The installation has had its reviews of the day."""
    return Skip(
        SkipReason.QUOTA,
        _(
            "Daily limit of {number} reviews reached (INSTALLATION_DAILY_REVIEWS). After 00:00 "
            "UTC, press **Review again** or comment `/review`.",
            number=reviews,
        ),
    )


def author_quota_exceeded(reviews: int) -> Skip:
    """The author, who may not write, has had their reviews of the hour."""
    return Skip(
        SkipReason.AUTHOR_QUOTA,
        _(
            "The author has no write access and has reached the limit of {number} reviews per hour "
            "(OUTSIDER_HOURLY_REVIEWS).",
            number=reviews,
        ),
    )


def _nothing_new(head_sha: str) -> Skip:
    """A plain `/review` of what is reviewed."""
    return Skip(
        SkipReason.ALREADY_REVIEWED,
        _(
            "Nothing has changed since the review of `{commit}`. Comment `/review full` to review "
            "everything again.",
            commit=head_sha[:12],
        ),
    )


def is_from_fork(pull: PullRequest, repository: str) -> bool:
    """Whether its head is in another repository than `repository`, `owner/name`: only there
    somebody can push who may not write to that one."""
    head = pull.head_repository or ""  # of a fork that was deleted
    return head.casefold() != repository.casefold()


def decide(
    pull: PullRequest,
    config: RepoConfig,
    trigger: Trigger,
    *,
    repository: str,
    max_files: int,
    forks: Forks,
    paused: bool,
    changed_paths: Sequence[str] | None,
    repeats: bool = False,
    settle_seconds: int = 0,
    retargeted: bool = False,
    reviews: int = 0,
) -> Start | Skip:
    """Whether the trigger starts a review of the pull request.

    `repository` is the base's `owner/name`, `max_files`, `forks` and `settle_seconds` what holds
    (`precedence`), `changed_paths` None while they are not known, `repeats` whether all that is
    asked for was said by a complete review of this head. `retargeted` says that it goes to another
    base branch now, `reviews` counts those since it was opened or resumed. What comes without being
    asked for and finds a review of its head is left by `open_review.lua`, since two may come at
    once.
    """
    skip = _nothing_to_review(pull, config, changed_paths)
    if skip is None and trigger.automatic:
        skip = _opted_out(pull, config, paused) or _excluded_by_config(
            pull, config, repository, forks
        )
        skip = skip or _not_now(config, trigger, retargeted=retargeted, reviews=reviews)
    if skip is None and repeats:
        skip = _nothing_new(pull.head_sha)
    if skip is not None:
        return skip
    return Start(
        settle_seconds=settle_seconds if trigger is Trigger.PUSHED else 0,
        note=_size_note(pull, max_files),
        # A team's checks hold for bots too, and only the model judges them.
        dependencies_only=trigger.automatic and _is_bot(pull, config) and not config.checks,
    )


def has_skip_label(config: RepoConfig, label: str) -> bool:
    """Whether the label keeps us from reviewing on our own; GitHub's labels ignore case."""
    return label.casefold() in {one.casefold() for one in config.skip_labels}


def skip_marker_in(config: RepoConfig, title: str) -> str | None:
    """The first marker in the title that keeps us from reviewing on our own; case is ignored."""
    lowered = title.casefold()
    return next((one for one in config.title_skip_markers if one.casefold() in lowered), None)


def _nothing_to_review(
    pull: PullRequest, config: RepoConfig, paths: Sequence[str] | None
) -> Skip | None:
    if not pull.open:
        return Skip(SkipReason.CLOSED, _("The pull request is closed."))
    if paths is not None and not paths:
        return Skip(SkipReason.NOTHING_CHANGED, _("The pull request changes no files."))
    if paths is not None and not any(_is_included(path, config) for path in paths):
        return Skip(SkipReason.IGNORED_PATHS, _("All changed files are excluded by configuration."))
    return None


def _is_included(path: str, config: RepoConfig) -> bool:
    included = not config.paths_include or globs.any_matches(config.paths_include, path)
    return included and not globs.any_matches(config.paths_exclude, path)


def _opted_out(pull: PullRequest, config: RepoConfig, paused: bool) -> Skip | None:
    """What people said of this pull request."""
    if paused:
        return Skip(
            SkipReason.PAUSED, _("Reviews are paused. Comment `/review resume` to continue.")
        )
    labels = {label.casefold() for label in pull.labels}
    if label := next((one for one in config.skip_labels if one.casefold() in labels), None):
        return Skip(SkipReason.LABEL, _("The pull request has the label `{label}`.", label=label))
    if marker := skip_marker_in(config, pull.title):
        return Skip(SkipReason.TITLE, _("The title contains `{marker}`.", marker=marker))
    return None


def _excluded_by_config(
    pull: PullRequest, config: RepoConfig, repository: str, forks: Forks
) -> Skip | None:
    """What kind of pull request it is."""
    if pull.draft and not config.drafts:
        return Skip(SkipReason.DRAFT, _("The pull request is a draft."))
    if skip := _excluded_author(pull, config):
        return skip
    if forks is not Forks.REVIEW and is_from_fork(pull, repository):
        waits = forks is Forks.ASK
        return Skip(
            SkipReason.FORK,
            _(
                "The pull request comes from a fork; a person with write access has to start the "
                "review."
            )
            if waits
            else _("The pull request comes from a fork."),
        )
    if config.base_branches and not _names(config.base_branches, pull.base_ref):
        return Skip(
            SkipReason.BASE_BRANCH, _("Pull requests into this base branch are not reviewed.")
        )
    if _names(config.skip_head_branches, pull.head_ref):
        return Skip(SkipReason.HEAD_BRANCH, _("Pull requests from this branch are not reviewed."))
    if config.only_labels and not any(is_needed_label(config, each) for each in pull.labels):
        return Skip(SkipReason.NO_LABEL, _("The pull request has none of the required labels."))
    files, lines = pull.changed_files, pull.additions + pull.deletions
    if files > (config.skip_above_files or files) or lines > (config.skip_above_lines or lines):
        return Skip(
            SkipReason.SIZE,
            _(
                "The pull request is too large: {files} files, {lines} changed lines.",
                files=files,
                lines=lines,
            ),
        )
    return None


def _excluded_author(pull: PullRequest, config: RepoConfig) -> Skip | None:
    """Whose pull request it is."""
    if _is_bot(pull, config) and not _logins(config.dependency_bots, pull.author):
        return Skip(SkipReason.BOT, _("The author is a bot."))
    if config.authors and not _logins(config.authors, pull.author):
        return Skip(SkipReason.AUTHOR, _("Only pull requests by certain authors are reviewed."))
    if _logins(config.skip_authors, pull.author):
        return Skip(SkipReason.AUTHOR, _("Pull requests by this author are not reviewed."))
    return None


def _is_bot(pull: PullRequest, config: RepoConfig) -> bool:
    """Whether its author is a bot whose pull requests are not reviewed as those of people."""
    reviewed = config.bots or _logins(config.bot_authors, pull.author)
    return pull.author_is_bot and not reviewed


def is_needed_label(config: RepoConfig, label: str) -> bool:
    """Whether the label is one that lets us review on our own; GitHub's labels ignore case."""
    return label.casefold() in map(str.casefold, config.only_labels)


def _not_now(
    config: RepoConfig, trigger: Trigger, *, retargeted: bool, reviews: int
) -> Skip | None:
    """Whether what happened starts a review here."""
    pushed = trigger is Trigger.PUSHED and not retargeted
    match config.review_on:
        case ReviewOn.MANUAL:
            return Skip(SkipReason.REVIEW_ON, _("Reviews start on request only."))
        case ReviewOn.OPEN if pushed:
            return Skip(SkipReason.REVIEW_ON, _("New commits are not reviewed automatically."))
        case ReviewOn.OPEN | ReviewOn.PUSH:
            pass
    if pushed and config.pause_after and reviews >= config.pause_after:
        return Skip(
            SkipReason.PAUSE_AFTER,
            _(
                "Paused after {reviews}. Comment `/review resume` to continue.",
                reviews=plural(config.pause_after, "review"),
            ),
        )
    return None


def _names(patterns: Sequence[str], branch: str) -> bool:
    """Whether a pattern is of the branch as a whole."""
    # The slash keeps `main` from fitting `topic/main`, as it would among paths.
    return globs.any_matches([f"/{pattern}" for pattern in patterns], branch)


def _logins(patterns: Sequence[str], login: str) -> bool:
    """Whether a pattern is of the login; GitHub's ignore case, and `[bot]` may be left out."""
    bare = [f"/{pattern.casefold().removesuffix('[bot]')}" for pattern in patterns]
    return globs.any_matches(bare, login.casefold().removesuffix("[bot]"))


def _size_note(pull: PullRequest, limit: int) -> str:
    if pull.changed_files <= limit:
        return ""
    return _(
        "This pull request changes {changed} files. The {limit} riskiest were reviewed; the rest "
        "were skipped.",
        changed=pull.changed_files,
        limit=limit,
    )


def label_added(label: str) -> str:
    """Why a review ended, and how to have one nevertheless."""
    return f"{_('The label `{label}` was added.', label=label)} {_(REVIEW_ANYWAY)}"


def marker_added(marker: str) -> str:
    """The same of a marker in the title."""
    return f"{_('`{marker}` was added to the title.', marker=marker)} {_(REVIEW_ANYWAY)}"


def was_closed() -> str:
    """The same of a pull request that was closed."""
    return _("The pull request was closed. Reopening it starts a review.")


def superseded_by(skip: Skip) -> str:
    """Why a review ended whose commit a newer one replaced that is not reviewed."""
    superseded = _("Superseded by a newer commit, which is not reviewed.")
    return f"{superseded} {skip.full_message}"


def cancelled_by(login: str) -> str:
    """Why a review ended, and how to have another."""
    return _("Cancelled by {login}. Comment `/review` to start again.", login=login)
