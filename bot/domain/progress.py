"""How far a review is, as facts; the texts for people are made of them here (pure)."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.model import State
from templates.languages import _, plural

#: How far a review is once its scan, and then the analysis of its batches, is done.
SCANNED_PERCENT, ANALYZED_PERCENT = 20, 90


class Activity(StrEnum):
    """What a review is at until its report is written; then the state says it. The number that
    goes with it is told beside each."""

    QUEUED = "queued"
    WAITING_FOR_SLOT = "waiting_for_slot"  # reviews that run before it
    WAITING_FOR_COMMITS = "waiting_for_commits"  # seconds
    FETCHING = "fetching"
    CLONING = "cloning"
    DIFFING = "diffing"
    RUNNING_ANALYZERS = "running_analyzers"  # files
    PREPARING_BATCHES = "preparing_batches"  # findings of the analyzers
    READING = "reading"
    LOOKING_UP = "looking_up"  # places in the repository
    CHECKING = "checking"  # findings
    JUDGING = "judging"  # the team's checks

    def text(self, amount: int) -> str:
        """What it is, for people."""
        match self:
            case Activity.QUEUED:
                return _("Queued")
            case Activity.WAITING_FOR_SLOT:
                return _("Queued behind {reviews}", reviews=plural(amount, "review"))
            case Activity.WAITING_FOR_COMMITS:
                return _("Waiting {seconds} s for more commits", seconds=amount)
            case Activity.FETCHING:
                return _("Fetching the change")
            case Activity.CLONING:
                return _("Cloning the repository")
            case Activity.DIFFING | Activity.READING:
                return _("Reading the change")
            case Activity.RUNNING_ANALYZERS:
                return _("Running analyzers on {files}", files=plural(amount, "file"))
            case Activity.PREPARING_BATCHES:
                return _(
                    "Analyzers reported {findings}; preparing batches",
                    findings=plural(amount, "finding"),
                )
            case Activity.LOOKING_UP:
                return _("Looking up {places}", places=plural(amount, "place"))
            case Activity.CHECKING:
                return _("Checking {findings}", findings=plural(amount, "finding"))
            case Activity.JUDGING:
                return _("Judging {checks}", checks=plural(amount, "check"))


#: What a review is at beside reading.
_ASIDE = (Activity.LOOKING_UP, Activity.CHECKING, Activity.JUDGING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a review stands. `percent` 0..100 never falls; `amount` is the number that goes with
    `activity`; `error` says why the review ended, where it ended without a report."""

    state: State
    percent: int = 0
    activity: Activity = Activity.QUEUED
    amount: int = 0
    files_total: int = 0
    files_done: int = 0
    findings: int = 0
    error: str = ""

    @property
    def status_text(self) -> str:
        """What is being done, for people; "" once a review ended without a report."""
        match self.state:
            case State.QUEUED | State.SCANNING:
                return self.activity.text(self.amount)
            case State.ANALYZING:
                read = _(
                    "Read {done} of {files}",
                    done=self.files_done,
                    files=plural(self.files_total, "file"),
                )
                if self.activity not in _ASIDE:
                    return read
                now = self.activity.text(self.amount)
                return f"{read}. {now}" if self.files_done else now
            case State.REPORTING:
                return _("Writing the report")
            case State.COMPLETED:
                return _("Done")
            case State.FAILED | State.CANCELLED | State.SUPERSEDED:
                return ""
