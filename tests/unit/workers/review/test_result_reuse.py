"""What is taken over from push to push."""

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Batch, BatchFile, BatchResult, SkippedFile
from bot.domain.reasons import FileSkipReason
from workers.review.result_reuse import reusable_results


def part(path: str, start: int, key: str) -> BatchFile:
    hunk = Hunk(start, start, "", (Line(None, start, "x = 1"),))
    file = ChangedFile(path=path, status=FileStatus.MODIFIED, hunks=(hunk,))
    return BatchFile(file=file, language="python", content="x = 1\n", key=key)


def test_a_file_of_which_a_part_was_not_read_is_read_again() -> None:
    batch = Batch(0, (part("large.py", 1, "a"), part("large.py", 900, "b"), part("s.py", 1, "c")))
    result = BatchResult(
        reviewed=("large.py", "s.py"),
        skipped=(SkippedFile("large.py", FileSkipReason.NOT_READ, "it gave no answer"),),
        model="small",
    )
    assert set(reusable_results(batch, result)) == {"c"}


def test_what_no_model_answered_is_read_again() -> None:
    batch = Batch(0, (part("a.py", 1, "a"),))
    assert reusable_results(batch, BatchResult(reviewed=("a.py",))) == {}


def test_what_was_not_read_to_the_end_or_not_checked_is_read_again() -> None:
    batch = Batch(0, (part("cut.py", 1, "a"), part("whole.py", 1, "b")))
    result = BatchResult(reviewed=("cut.py", "whole.py"), inconclusive=("cut.py",), model="small")
    assert set(reusable_results(batch, result)) == {"b"}
