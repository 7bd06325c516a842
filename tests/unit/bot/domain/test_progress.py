"""What people read of a review's progress."""

import pytest

from bot.domain.model import State
from bot.domain.progress import Activity, Progress


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(state=State.QUEUED), "Queued"),
        (
            Progress(state=State.QUEUED, activity=Activity.WAITING_FOR_SLOT, amount=3),
            "Queued behind 3 reviews",
        ),
        (
            Progress(state=State.QUEUED, activity=Activity.WAITING_FOR_SLOT, amount=1),
            "Queued behind 1 review",
        ),
        (
            Progress(state=State.QUEUED, activity=Activity.WAITING_FOR_COMMITS, amount=30),
            "Waiting 30 s for more commits",
        ),
        (
            Progress(state=State.SCANNING, activity=Activity.RUNNING_ANALYZERS, amount=7),
            "Running analyzers on 7 files",
        ),
        (
            Progress(state=State.SCANNING, activity=Activity.PREPARING_BATCHES),
            "Analyzers reported 0 findings; preparing batches",
        ),
        (Progress(state=State.ANALYZING, files_done=3, files_total=5), "Read 3 of 5 files"),
        (Progress(state=State.ANALYZING, files_done=0, files_total=1), "Read 0 of 1 file"),
        (
            Progress(state=State.ANALYZING, activity=Activity.LOOKING_UP, amount=4, files_total=5),
            "Looking up 4 places",
        ),
        (
            Progress(
                state=State.ANALYZING,
                activity=Activity.CHECKING,
                amount=6,
                files_done=3,
                files_total=5,
            ),
            "Read 3 of 5 files. Checking 6 findings",
        ),
        (Progress(state=State.REPORTING), "Writing the report"),
        (Progress(state=State.COMPLETED), "Done"),
    ],
)
def test_the_text_is_made_of_state_activity_and_counts(progress: Progress, text: str) -> None:
    assert progress.status_text == text


@pytest.mark.parametrize("activity", Activity)
def test_every_activity_has_a_text(activity: Activity) -> None:
    assert activity.text(2)[0].isupper()


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.SUPERSEDED])
def test_what_ended_early_is_at_nothing(state: State) -> None:
    assert Progress(state=state, files_done=2, files_total=3, error="No.").status_text == ""
