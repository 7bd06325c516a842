"""Lines around a finding."""

from bot.domain.diff import (
    MAX_CONTEXT_CHARACTERS,
    ChangedFile,
    FileStatus,
    Hunk,
    Line,
    Side,
    Surroundings,
)


def changed(*hunks: tuple[int, str]) -> ChangedFile:
    """A file of added lines: of each hunk its first number, and a letter for each line."""
    return ChangedFile(
        path="a.py",
        status=FileStatus.MODIFIED,
        hunks=tuple(
            Hunk(0, first, "", tuple(Line(None, n, text) for n, text in enumerate(texts, first)))
            for first, texts in hunks
        ),
    )


def test_a_few_lines_of_the_hunk_are_around() -> None:
    lines = Surroundings(changed((10, "abcdefgh"), (18, "xyz")), Side.RIGHT)
    assert lines.around(14, 14) == (("b", "c", "d"), ("f", "g", "h"))
    assert lines.around(10, 11) == ((), ("c", "d", "e"))
    assert lines.around(17, 17) == (("e", "f", "g"), ())


def test_nothing_is_around_what_is_in_no_hunk() -> None:
    file = changed((10, "a"))
    assert Surroundings(file, Side.RIGHT).around(1, 2) == ((), ())
    assert Surroundings(file, Side.LEFT).around(10, 10) == ((), ())


def test_long_lines_are_cut() -> None:
    long = (Line(None, 1, "x" * 5000), Line(None, 2, "y"))
    file = ChangedFile(path="a", status=FileStatus.ADDED, hunks=(Hunk(0, 1, "", long),))
    (before,), _ = Surroundings(file, Side.RIGHT).around(2, 2)
    assert len(before) == MAX_CONTEXT_CHARACTERS
