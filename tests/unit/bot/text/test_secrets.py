"""Secrets are masked in texts and in diffs, line by line, and nothing else is changed."""

from dataclasses import replace

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from bot.text.secrets import carry_redactions, redact, redact_file
from tests.support.secret_shapes import SHAPES, private_key

TOKEN = SHAPES["slack"]
MASK = "[redacted:slack-token]"
KEY = private_key()


def diff(*lines: Line, section: str = "") -> ChangedFile:
    hunk = Hunk(1, 1, section, lines)
    return ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=(hunk,), additions=2)


def texts(file: ChangedFile) -> list[str]:
    return [line.text for hunk in file.hunks for line in hunk.lines]


def test_a_secret_is_masked_and_what_stands_around_it_stays() -> None:
    assert redact(f"a = '{TOKEN}'\nb = 1\n") == f"a = '{MASK}'\nb = 1\n"
    assert redact("nothing here") == "nothing here"
    masked = redact(f"before\n{KEY}\nafter").split("\n")
    assert len(masked) == KEY.count("\n") + 3
    assert (masked[0], masked[1], masked[-1]) == ("before", "[redacted:private-key]", "after")


def test_each_line_and_the_heading_of_a_hunk_are_masked() -> None:
    file = diff(
        Line(1, 1, "unchanged = 1"),
        Line(2, None, f"old = '{TOKEN}'"),
        Line(None, 2, f"new = '{TOKEN}'"),
        section=f"def f(x='{TOKEN}'):",
    )
    masked = redact_file(file)
    assert texts(masked) == ["unchanged = 1", f"old = '{MASK}'", f"new = '{MASK}'"]
    assert masked.hunks[0].section == f"def f(x='{MASK}'):"
    assert [line.new for line in masked.hunks[0].on(Side.RIGHT)] == [1, 2]
    assert masked.additions == 2


def test_what_the_whole_file_tells_is_masked_in_the_lines_that_are_the_same_there() -> None:
    content = "first\nkey\r\nkey\nlast\nend"
    redacted = "first\n[redacted:x]\r\n[redacted:x]\nlast\nend"
    file = diff(
        Line(1, 1, "first"),
        Line(2, None, "key"),
        Line(None, 2, "key"),
        Line(None, 3, "other than in the file"),
        Line(4, 4, "last"),
        Line(5, 5, "end"),
        Line(6, 6, "beyond the file"),
    )
    assert texts(carry_redactions(file, file, content, redacted)) == [
        *("first", "key", "[redacted:x]"),
        *("other than in the file", "last", "end", "beyond the file"),
    ]


def test_the_last_line_of_a_file_is_masked_like_any_other() -> None:
    file = diff(Line(None, 1, "x = load("), Line(None, 2, "abc"))
    carried = carry_redactions(file, file, "x = load(\nabc", "x = load(\n[redacted:x]")
    assert texts(carried) == ["x = load(", "[redacted:x]"]


def test_a_mask_of_another_text_is_not_carried() -> None:
    shown = diff(Line(None, 1, "abc"))
    original = replace(shown, hunks=diff(Line(None, 1, "ABC")).hunks)
    assert carry_redactions(shown, original, "abc", "[redacted:x]") == shown
    assert texts(carry_redactions(shown, original, "ABC", "[redacted:x]")) == ["[redacted:x]"]
    assert carry_redactions(shown, shown, None, "") is shown
    assert carry_redactions(shown, shown, "abc", "abc") is shown
