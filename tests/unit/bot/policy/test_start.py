from dataclasses import replace

import pytest

from bot.config.repository_config import RepoConfig, ReviewOn, TeamCheck
from bot.config.settings import Forks, Settings
from bot.domain.model import PullRequest, Trigger
from bot.policy.precedence import effective
from bot.policy.start import (
    Skip,
    SkipReason,
    Start,
    author_quota_exceeded,
    cancelled_by,
    decide,
    has_skip_label,
    label_added,
    marker_added,
    quota_exceeded,
    skip_marker_in,
    superseded_by,
    was_closed,
)
from tests.support.pulls import PULL

PATHS = ("src/hello.py", "docs/index.md")
DEFAULTS = RepoConfig()

AUTOMATIC = [trigger for trigger in Trigger if trigger.automatic]
MANUAL_TRIGGERS = [trigger for trigger in Trigger if not trigger.automatic]


def decided(
    trigger: Trigger,
    pull: PullRequest = PULL,
    config: RepoConfig = DEFAULTS,
    *,
    paused: bool = False,
    changed_paths: tuple[str, ...] | None = PATHS,
    repeats: bool = False,
    settle_seconds: int = 0,
    retargeted: bool = False,
    reviews: int = 0,
) -> Start | Skip:
    server = Settings(_env_file=None, settle_seconds=settle_seconds, max_analyze_files=40)
    holds = effective(server, config)
    return decide(
        pull,
        config,
        trigger,
        repository="octo-org/hello-world",
        max_files=holds.max_files,
        forks=holds.forks,
        paused=paused,
        changed_paths=changed_paths,
        repeats=repeats,
        settle_seconds=holds.settle_seconds,
        retargeted=retargeted,
        reviews=reviews,
    )


@pytest.mark.parametrize("trigger", Trigger)
def test_an_ordinary_pull_request_is_reviewed(trigger: Trigger) -> None:
    assert decided(trigger) == Start()


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize(
    ("reason", "pull", "config", "paths"),
    [
        (SkipReason.CLOSED, replace(PULL, open=False), DEFAULTS, PATHS),
        (SkipReason.NOTHING_CHANGED, PULL, DEFAULTS, ()),
        (SkipReason.IGNORED_PATHS, PULL, RepoConfig(paths_exclude=("src/", "*.md")), PATHS),
        (SkipReason.IGNORED_PATHS, PULL, RepoConfig(paths_include=("lib/",)), PATHS),
    ],
)
def test_a_manual_request_cannot_override_an_empty_change(
    trigger: Trigger,
    reason: SkipReason,
    pull: PullRequest,
    config: RepoConfig,
    paths: tuple[str, ...],
) -> None:
    skip = decided(trigger, pull, config, changed_paths=paths)
    assert isinstance(skip, Skip)
    assert skip.reason is reason


ROWS = [
    (SkipReason.PAUSED, PULL, DEFAULTS, True),
    (SkipReason.LABEL, replace(PULL, labels=("bug", "No-Review")), DEFAULTS, False),
    (SkipReason.LABEL, PULL, RepoConfig(skip_labels=("bug",)), False),
    (SkipReason.TITLE, replace(PULL, title="Greet [Skip Review]"), DEFAULTS, False),
    (SkipReason.TITLE, PULL, RepoConfig(title_skip_markers=("greet",)), False),
    (SkipReason.DRAFT, replace(PULL, draft=True), DEFAULTS, False),
    (SkipReason.BOT, replace(PULL, author_is_bot=True), DEFAULTS, False),
    (
        SkipReason.FORK,
        replace(PULL, head_repository="o/fork"),
        RepoConfig(forks=Forks.SKIP),
        False,
    ),
    (
        SkipReason.FORK,
        replace(PULL, head_repository=None),
        RepoConfig(forks=Forks.SKIP),
        False,
    ),
    (SkipReason.BASE_BRANCH, PULL, RepoConfig(base_branches=("release/*",)), False),
    (
        SkipReason.BASE_BRANCH,
        replace(PULL, base_ref="topic/main"),
        RepoConfig(base_branches=("main",)),
        False,
    ),
    (SkipReason.REVIEW_ON, PULL, RepoConfig(review_on=ReviewOn.MANUAL), False),
    (
        SkipReason.BOT,
        replace(PULL, author="dependabot[bot]", author_is_bot=True),
        RepoConfig(bot_authors=("copilot*", "bot"), dependency_bots=("renovate",)),
        False,
    ),
    (SkipReason.AUTHOR, PULL, RepoConfig(authors=("octo", "*-team")), False),
    (SkipReason.AUTHOR, PULL, RepoConfig(skip_authors=("OCTO*",)), False),
    (
        SkipReason.AUTHOR,
        replace(PULL, author="renovate[bot]", author_is_bot=True),
        RepoConfig(bots=True, skip_authors=("renovate[bot]",)),
        False,
    ),
    (SkipReason.HEAD_BRANCH, PULL, RepoConfig(skip_head_branches=("greet*",)), False),
    (SkipReason.NO_LABEL, PULL, RepoConfig(only_labels=("ready",)), False),
    (SkipReason.SIZE, PULL, RepoConfig(skip_above_files=2), False),
    (SkipReason.SIZE, PULL, RepoConfig(skip_above_lines=11), False),
]


@pytest.mark.parametrize("trigger", AUTOMATIC)
@pytest.mark.parametrize(("reason", "pull", "config", "paused"), ROWS)
def test_on_our_own_we_skip_with_a_sentence(
    trigger: Trigger,
    reason: SkipReason,
    pull: PullRequest,
    config: RepoConfig,
    paused: bool,
) -> None:
    skip = decided(trigger, pull, config, paused=paused)
    assert isinstance(skip, Skip)
    assert skip.reason is reason
    assert skip.message.endswith(".")
    assert pull.title not in skip.message


@pytest.mark.parametrize(
    ("forks", "message"),
    [
        (Forks.SKIP, "The pull request comes from a fork."),
        (
            Forks.ASK,
            "The pull request comes from a fork; a person with write access has to start the "
            "review.",
        ),
    ],
)
def test_a_fork_is_told_whether_it_waits_for_somebody(forks: Forks, message: str) -> None:
    skip = decided(Trigger.OPENED, replace(PULL, head_repository="o/fork"), RepoConfig(forks=forks))
    assert skip == Skip(SkipReason.FORK, message)


def test_a_request_for_what_was_said_already_names_what_reviews_it_again() -> None:
    skip = decided(Trigger.COMMAND, repeats=True)
    assert isinstance(skip, Skip)
    assert skip.reason is SkipReason.ALREADY_REVIEWED
    assert PULL.head_sha[:12] in skip.full_message
    assert skip.full_message.endswith("Comment `/review full` to review everything again.")


def test_a_closed_pull_request_is_closed_though_it_was_reviewed() -> None:
    skip = decided(Trigger.COMMAND, replace(PULL, open=False), repeats=True)
    assert isinstance(skip, Skip)
    assert skip.reason is SkipReason.CLOSED


@pytest.mark.parametrize("trigger", MANUAL_TRIGGERS)
@pytest.mark.parametrize(("reason", "pull", "config", "paused"), ROWS)
def test_a_manual_request_overrides_conditions_that_only_prevent_starting(
    trigger: Trigger,
    reason: SkipReason,
    pull: PullRequest,
    config: RepoConfig,
    paused: bool,
) -> None:
    assert decided(trigger, pull, config, paused=paused) == Start()


def test_every_reason_has_its_row() -> None:
    final = {
        reason
        for reason in SkipReason
        if not Skip(reason, "No.").full_message.endswith("review it anyway.")
    }
    assert final == {
        SkipReason.PAUSED,  # whose sentence says more
        *(SkipReason.CLOSED, SkipReason.NOTHING_CHANGED, SkipReason.IGNORED_PATHS),
        SkipReason.QUOTA,  # which only a store knows of
        SkipReason.ALREADY_REVIEWED,  # whose sentence says what reviews it again
    }
    # Only a store knows of them too, but a wish overrides them.
    counted = {SkipReason.AUTHOR_QUOTA, SkipReason.PAUSE_AFTER}
    assert {row[0] for row in ROWS} | final | counted == set(SkipReason)


@pytest.mark.parametrize(
    ("pull", "config"),
    [
        (replace(PULL, draft=True), RepoConfig(drafts=True)),
        (replace(PULL, author_is_bot=True), RepoConfig(bots=True)),
        (replace(PULL, head_repository="o/fork"), DEFAULTS),
        (replace(PULL, head_repository="Octo-Org/Hello-World"), RepoConfig(forks=Forks.SKIP)),
        (replace(PULL, labels=("no-review",)), RepoConfig(skip_labels=())),
        (replace(PULL, title="[no review]"), RepoConfig(title_skip_markers=())),
        (PULL, RepoConfig(base_branches=("main",))),
        (replace(PULL, base_ref="release/1.2"), RepoConfig(base_branches=("main", "release/*"))),
        (PULL, RepoConfig(paths_exclude=("*.md",))),
        (PULL, RepoConfig(paths_include=("docs/",))),
        (PULL, RepoConfig(review_on=ReviewOn.OPEN, pause_after=1)),
        (
            replace(PULL, author="Copilot-SWE[bot]", author_is_bot=True),
            RepoConfig(bot_authors=("copilot*",), authors=("Copilot-swe",)),
        ),
        (PULL, RepoConfig(authors=("Octo*",), skip_authors=("octo", "other/octocat"))),
        (PULL, RepoConfig(skip_head_branches=("greet", "x/greeting"))),
        (PULL, RepoConfig(only_labels=("ready", "BUG"))),
        (PULL, RepoConfig(skip_above_files=3, skip_above_lines=12)),
    ],
)
def test_the_configuration_lets_it_through(pull: PullRequest, config: RepoConfig) -> None:
    assert decided(Trigger.OPENED, pull, config) == Start()


@pytest.mark.parametrize(
    ("trigger", "config", "dependencies_only"),
    [
        (Trigger.OPENED, DEFAULTS, True),
        (Trigger.COMMAND, DEFAULTS, False),
        (Trigger.RERUN, DEFAULTS, False),
        (Trigger.OPENED, RepoConfig(bots=True), False),
        (Trigger.OPENED, RepoConfig(bot_authors=("renovate",)), False),
        (Trigger.OPENED, RepoConfig(checks=(TeamCheck(name="a", instruction="b"),)), False),
    ],
)
def test_what_a_dependency_bot_updates_is_told_in_short_unless_somebody_wants_more(
    trigger: Trigger, config: RepoConfig, dependencies_only: bool
) -> None:
    pull = replace(PULL, author="renovate[bot]", author_is_bot=True)
    assert decided(trigger, pull, config) == Start(dependencies_only=dependencies_only)
    person = replace(PULL, author="renovate")
    assert decided(trigger, person, config) == Start()


def test_unknown_paths_are_not_held_against_it() -> None:
    config = RepoConfig(paths_include=("lib/",))
    assert decided(Trigger.OPENED, config=config, changed_paths=None) == Start()


@pytest.mark.parametrize(("most", "reviewed_files"), [(None, 40), (25, 25), (400, 40)])
def test_a_large_pull_request_is_reviewed_in_part_with_a_note(
    most: int | None, reviewed_files: int
) -> None:
    start = decided(Trigger.OPENED, replace(PULL, changed_files=300), RepoConfig(max_files=most))
    assert start == Start(
        note=f"This pull request changes 300 files. The {reviewed_files} riskiest were "
        "reviewed; the rest were skipped."
    )


def test_as_many_files_as_are_read_need_no_note() -> None:
    assert decided(Trigger.OPENED, replace(PULL, changed_files=40)) == Start()


@pytest.mark.parametrize("trigger", Trigger)
def test_only_a_push_waits_for_the_next_one(trigger: Trigger) -> None:
    wait = 5 if trigger is Trigger.PUSHED else 0
    assert decided(trigger, settle_seconds=5) == Start(settle_seconds=wait)


@pytest.mark.parametrize("own", [0, 60])
def test_the_repository_configures_the_delay(own: int) -> None:
    config = RepoConfig(settle_seconds=own)
    assert decided(Trigger.PUSHED, config=config, settle_seconds=5) == Start(settle_seconds=own)


@pytest.mark.parametrize("trigger", Trigger)
def test_with_open_no_push_starts_a_review_and_another_base_branch_does(trigger: Trigger) -> None:
    config = RepoConfig(review_on=ReviewOn.OPEN)
    pushed = decided(trigger, config=config)
    assert isinstance(pushed, Skip) == (trigger is Trigger.PUSHED)
    assert decided(trigger, config=config, retargeted=True) == Start()


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("reviews", [2, 3, 4])
def test_pushes_pause_after_so_many_reviews(trigger: Trigger, reviews: int) -> None:
    decision = decided(trigger, config=RepoConfig(pause_after=3), reviews=reviews)
    paused = trigger is Trigger.PUSHED and reviews >= 3
    assert decided(trigger, reviews=reviews) == Start()
    if paused:
        assert isinstance(decision, Skip)
        assert decision.reason is SkipReason.PAUSE_AFTER
        assert "`/review resume`" in decision.message
    else:
        assert decision == Start()


def test_labels_and_markers_ignore_case() -> None:
    config = RepoConfig(skip_labels=("No-Review",), title_skip_markers=("[WIP]", "draft:"))
    assert has_skip_label(config, "no-REVIEW")
    assert not has_skip_label(config, "review")
    assert not has_skip_label(RepoConfig(skip_labels=()), "No-Review")
    assert skip_marker_in(config, "Draft: greet [wip]") == "[WIP]"
    assert skip_marker_in(config, "Draft: greet") == "draft:"
    assert skip_marker_in(config, "Greet") is None


def test_what_ends_a_review_is_told_with_what_starts_another() -> None:
    anyway = "Comment `/review` to review it anyway."
    assert label_added("wip") == f"The label `wip` was added. {anyway}"
    assert marker_added("[wip]") == f"`[wip]` was added to the title. {anyway}"
    assert was_closed().endswith("Reopening it starts a review.")
    assert cancelled_by("ada") == "Cancelled by ada. Comment `/review` to start again."
    assert superseded_by(Skip(SkipReason.DRAFT, "It is a draft.")) == (
        f"Superseded by a newer commit, which is not reviewed. It is a draft. {anyway}"
    )
    quota = quota_exceeded(7)
    assert quota.reason is SkipReason.QUOTA
    assert quota.full_message.startswith("Daily limit of 7 reviews reached")
    author = author_quota_exceeded(3)
    assert author.reason is SkipReason.AUTHOR_QUOTA
    assert "has reached the limit of 3 reviews per hour" in author.message
    assert author.full_message.endswith(anyway)
