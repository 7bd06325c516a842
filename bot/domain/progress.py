"""How far a review is, as facts; the texts for people are made of them here (pure)."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.model import State

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

    def text(self, amount: int) -> str:
        """What it is, for people."""
        match self:
            case Activity.QUEUED:
                return "Queued"
            case Activity.WAITING_FOR_SLOT:
                return f"Queued behind {_count(amount, 'review')}"
            case Activity.WAITING_FOR_COMMITS:
                return f"Waiting {amount} s for more commits"
            case Activity.FETCHING:
                return "Fetching the change"
            case Activity.CLONING:
                return "Cloning the repository"
            case Activity.DIFFING:
                return "Reading the change"
            case Activity.RUNNING_ANALYZERS:
                return f"Running analyzers on {_count(amount, 'file')}"
            case Activity.PREPARING_BATCHES:
                return f"Analyzers reported {_count(amount, 'finding')}; preparing batches"
            case Activity.READING:
                return "Reading the change"
            case Activity.LOOKING_UP:
                return f"Looking up {_count(amount, 'place')}"
            case Activity.CHECKING:
                return f"Checking {_count(amount, 'finding')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
                read = f"Read {self.files_done} of {_count(self.files_total, 'file')}"
                if self.activity not in (Activity.LOOKING_UP, Activity.CHECKING):
                    return read
                now = self.activity.text(self.amount)
                return f"{read}. {now}" if self.files_done else now
            case State.REPORTING:
                return "Writing the report"
            case State.COMPLETED:
                return "Done"
            case State.FAILED | State.CANCELLED | State.SUPERSEDED:
                return ""
