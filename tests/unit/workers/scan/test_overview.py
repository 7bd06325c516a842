"""What a batch is told of the rest of the change."""

from collections.abc import Mapping

from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Batch, BatchFile, SkippedFile
from bot.domain.reasons import FileSkipReason
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from workers.scan.context.context import text_of
from workers.scan.overview import brief, left_out, overview_tokens, unread, with_overviews

Files = Mapping[str | bytes, str | bytes]


def test_a_file_is_told_by_its_size_its_hunks_and_its_signatures() -> None:
    head = "class Cart:\n    def total(self, tax):\n        return tax\n\n\ndef helper(): ...\n"
    file = ChangedFile(
        path="shop/cart.py",
        status=FileStatus.MODIFIED,
        additions=1,
        deletions=2,
        hunks=(
            Hunk(
                2,
                2,
                "class Cart:",
                (
                    Line(2, None, "    def total(self):"),
                    Line(3, None, "    def gone(self):"),
                    Line(None, 2, "    def total(self, tax):"),
                    Line(4, 3, "        return tax"),
                ),
            ),
        ),
    )
    assert brief(file, text_of("shop/cart.py", head)) == (
        "shop/cart.py: modified, +1 -2; in class Cart:; has new or changed def total(self, tax):; "
        "no longer has def total(self): | def gone(self):"
    )


def test_files_without_lines_to_read_are_named() -> None:
    def file(status: FileStatus, old: str | None = None) -> ChangedFile:
        return ChangedFile(path="b/run", status=status, old_path=old)

    assert unread(file(FileStatus.DELETED)) == "b/run: deleted"
    assert unread(file(FileStatus.RENAMED, "a/run")) == "b/run: renamed from a/run, not changed"
    assert unread(file(FileStatus.MODIFIED)) == "b/run: only its mode changed"
    assert unread(file(FileStatus.ADDED)) == "b/run: added, empty"
    assert left_out(SkippedFile("y.lock", FileSkipReason.LOCK_FILE)) == (
        "y.lock: changed, not shown (lock file)"
    )


def batch(number: int, *paths: str) -> Batch:
    return Batch(
        number,
        tuple(
            BatchFile(
                file=ChangedFile(path=path, status=FileStatus.MODIFIED), language="", content=None
            )
            for path in paths
        ),
    )


def test_related_files_come_first_and_what_does_not_fit_is_counted() -> None:
    briefs = {path: f"{path}: modified" for path in ("a/x", "a/y", "b/z", "c/w")}
    batches = batch(0, "a/x"), batch(1, "a/y", "b/z"), batch(2, "c/w")
    related = {("a/x", "c/w"): 3}
    told = with_overviews(batches, briefs, ["d: deleted"], related, 1000)
    assert told[0].overview == ("c/w: modified", "a/y: modified", "b/z: modified", "d: deleted")
    assert told[1].overview == ("a/x: modified", "c/w: modified", "d: deleted")
    room = overview_tokens(told[0].overview[:2])
    (short, *_) = with_overviews(batches, briefs, ["d: deleted"], related, room)
    assert short.overview == ("c/w: modified", "a/y: modified", "and 2 more changed files")


async def test_a_scan_tells_each_batch_of_the_others(
    repository: Repository, settings: Settings
) -> None:
    before: Files = {
        "a.py": "x = 1\n",
        "b.py": "y = 1\n",
        "old.py": "z = 1\nw = 2\n",
        "gone.py": "1\n",
    }
    after: Files = {
        "a.py": "x = 2\n",
        "b.py": "def added(a): ...\n",
        "new.py": "z = 1\nw = 2\n",
        "yarn.lock": "1\n",
    }
    source = repository.change(before, after)
    result = await scanned(source, settings)
    (whole,) = result.batches
    assert whole.paths == ("a.py", "b.py")
    assert sorted(whole.overview) == [
        "gone.py: deleted",
        "new.py: renamed from old.py, not changed",
        "yarn.lock: changed, not shown (lock file)",
    ]
