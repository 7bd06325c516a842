"""Suggestions apply, change something and parse, or they are not made; findings are judged."""

from dataclasses import replace

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from bot.domain.model import BatchFile, Category, Finding, Rejected, Severity
from bot.domain.reasons import RejectionReason
from bot.policy.finding_filter import FindingFilter
from tests.support.secret_shapes import SHAPES
from workers.analysis.anchor import Anchor
from workers.analysis.model_answer import RawFinding
from workers.analysis.redacted_view import RedactedView, show
from workers.analysis.suggestions import fitting_suggestion
from workers.analysis.validate import validate_finding

CONTENT = """\
def total(prices):
    result = 0
    for p in prices:
        result += p
    return result
"""
FILTER = FindingFilter(tuple(Category), Severity.LOW, 0.6)


def shown(content: str = CONTENT, **changed: object) -> RedactedView:
    lines = tuple(Line(None, n, text) for n, text in enumerate(content.split("\n")[:-1], start=1))
    file = ChangedFile(
        path="shop.py", status=FileStatus.ADDED, hunks=(Hunk(0, 1, "", lines),), additions=5
    )
    values = {"file": file, "language": "python", "content": content} | changed
    return show(BatchFile(**values))  # type: ignore[arg-type]


def raw(**changed: object) -> RawFinding:
    values: dict[str, object] = {
        "path": "shop.py",
        "quote": "result += p",
        "line": 4,
        "side": Side.RIGHT,
        "category": Category.PERFORMANCE,
        "severity": Severity.MEDIUM,
        "title": "Use sum",
        "body": "sum() does it.",
        "confidence": 0.9,
        "suggestion": None,
        "rule": None,
    }
    return RawFinding(**(values | changed))  # type: ignore[arg-type]


def at(start: int, end: int, side: Side = Side.RIGHT) -> Anchor:
    return Anchor(side, start, end)


@pytest.mark.parametrize(
    ("suggestion", "anchor", "kept"),
    [
        ("    return sum(prices)", at(5, 5), "    return sum(prices)"),
        ("return sum(prices)", at(5, 5), "    return sum(prices)"),
        ("```python\n    return sum(prices)\n```", at(5, 5), "    return sum(prices)"),
        (
            "total = sum(prices)\nreturn total",
            at(2, 5),
            "    total = sum(prices)\n    return total",
        ),
        ("    return result", at(5, 5), None),
        ("    return result   ", at(5, 5), None),
        ("    return (result", at(5, 5), None),
        ("        result += p\n    return result\n", at(4, 4), None),
        ("    return sum(prices)", at(5, 5, Side.LEFT), None),
        ("    return '[redacted:password]'", at(5, 5), None),
        ("\n".join(["    x = 1"] * 61), at(5, 5), None),
        ("\n".join(["    x = 1"] * 60), at(2, 2), "\n".join(["    x = 1"] * 60)),
        ("        result += p\n    return sum(prices)", at(5, 5), None),
        ("    result = 1\n    result = 0", at(2, 2), "    result = 1\n    result = 0"),
    ],
    ids=[
        "as it is",
        "indentation kept",
        "unfenced",
        "several lines",
        "changes nothing",
        "changes only white space",
        "does not parse",
        "brings the next line along",
        "old side",
        "holds a secret's place",
        "a rewrite",
        "as long as may be",
        "brings the line before along",
        "a line that was there already comes last",
    ],
)
def test_a_suggestion_fits_or_is_none(suggestion: str, anchor: Anchor, kept: str | None) -> None:
    assert fitting_suggestion(suggestion, shown(), anchor) == kept


INDENTED = {
    "python": CONTENT,
    "go": "package a\n\nfunc f() int {\n\ta := 1\n\treturn a\n}\n",
}


@pytest.mark.parametrize(
    ("language", "anchor", "suggestion", "kept"),
    [
        ("python", at(2, 5), "x = 1\n\nreturn x", "    x = 1\n\n    return x"),
        ("python", at(2, 5), "x = 1\n\n    return x", "    x = 1\n\n    return x"),
        (
            "python",
            at(2, 5),
            "for p in prices:\n    print(p)\nreturn 1",
            "    for p in prices:\n        print(p)\n    return 1",
        ),
        ("python", at(5, 5), "\treturn 1", None),
        ("go", at(4, 5), "b := 1\nreturn b", "\tb := 1\n\treturn b"),
        ("go", at(4, 5), "b := 1\n\treturn b", "\tb := 1\n\treturn b"),
        (
            "go",
            at(4, 5),
            "if b {\n\treturn 1\n}\nreturn 2",
            "\tif b {\n\t\treturn 1\n\t}\n\treturn 2",
        ),
        ("go", at(5, 5), "\t\treturn 2", "\t\treturn 2"),
        ("go", at(5, 5), "    return 2", None),
        ("go", at(5, 5), "\treturn (2", None),
    ],
    ids=[
        "each line lacks it",
        "the first line alone lacks it",
        "a block in it",
        "tabs for spaces, refused by Python",
        "each line lacks a tab",
        "the first line alone lacks a tab",
        "a block in tabs",
        "deeper on purpose",
        "spaces for tabs, which the parser takes",
        "does not parse",
    ],
)
def test_lines_get_the_indentation_that_they_lack_and_no_other(
    language: str, anchor: Anchor, suggestion: str, kept: str | None
) -> None:
    view = shown(INDENTED[language], language=language)
    assert fitting_suggestion(suggestion, view, anchor) == kept


@pytest.mark.parametrize(
    ("content", "anchor", "suggestion", "kept"),
    [
        ("a = 1\nb = 2\nc = 3\n", at(2, 2), "a = 1", True),
        ("a = 1\nb = 2\nc = 3\n", at(2, 2), "a = 1\nb = 3", False),
        ("a = 1\nb = 2\nc = 3\n", at(2, 2), "b = 3\nc = 3", False),
        ("go()\nb = 2\n", at(2, 2), "go()\nb = 3", False),
        ("f()\nb = 2\n", at(2, 2), "f()\nb = 3", True),  # too short to tell
        ("a = 1\nb = 2", at(2, 2), "b = 3\nc = 3", True),  # the last line, without an end
        ("a = 1\n\nb = 2\n", at(2, 2), "", True),
    ],
    ids=[
        "in place of a line",
        "with the line before",
        "with the line after",
        "with a short line",
        "with a very short one",
        "with nothing after",
        "a blank line goes",
    ],
)
def test_what_stands_around_the_lines_does_not_come_twice(
    content: str, anchor: Anchor, suggestion: str, kept: bool
) -> None:
    expected = suggestion if kept else None
    assert fitting_suggestion(suggestion, shown(content), anchor) == expected


def test_where_the_file_is_not_known_or_is_a_notebook_nothing_is_suggested() -> None:
    view = shown()
    new = "    return sum(prices)"
    unknown = replace(view, source=replace(view.source, content=None))
    assert fitting_suggestion(new, unknown, at(5, 5)) is None
    assert fitting_suggestion(new, replace(view, content=None), at(5, 5)) is None
    cells = replace(view.source.file, path="Shop.ipynb")
    notebook = replace(view, source=replace(view.source, file=cells))
    assert fitting_suggestion(new, notebook, at(5, 5)) is None


@pytest.mark.parametrize(("same", "kept"), [(240, True), (239, False)])
@pytest.mark.parametrize("more", [0, 100])
def test_of_long_lines_the_first_four_hundred_characters_are_compared(
    same: int, more: int, kept: bool
) -> None:
    old, new = (
        f"{'=' * same}{letter * (400 - same)}{rest * more}"
        for letter, rest in (("a", "c"), ("b", "d"))
    )
    view = shown(f"{old}\n", language="ini")
    assert fitting_suggestion(new, view, at(1, 1)) == (new if kept else None)


BRANCH = "def f(x):\n    if x:\n        return 1\n    return 2\n"


@pytest.mark.parametrize(
    "suggestion",
    [
        "",
        "    return 1",
        "# a word",
        "        x = 1\n          return x",
        "      return 1\n   x = 2",
        "    f() = 1",
        "    total := 1",
    ],
)
def test_python_that_only_its_grammar_would_take_is_no_suggestion(suggestion: str) -> None:
    """A block without a statement, or with two indentations, or a value in a call's place."""
    assert fitting_suggestion(suggestion, shown(BRANCH), at(3, 3)) is None


def test_a_mark_of_the_byte_order_changes_nothing_for_python() -> None:
    marked = shown(f"\ufeff{BRANCH}")
    assert fitting_suggestion("", marked, at(3, 3)) is None
    assert fitting_suggestion("        return 3", marked, at(3, 3)) == "        return 3"


@pytest.mark.parametrize(
    "skipped",
    ["# ...", "    # ... existing code ...", "# rest of the function", "# (rest of the code)"],
)
def test_a_suggestion_that_leaves_code_out_would_lose_it(skipped: str) -> None:
    suggestion_text = f"    total = sum(prices)\n{skipped}\n    return total"
    assert fitting_suggestion(suggestion_text, shown(), at(2, 5)) is None
    kept = CONTENT.replace("    result = 0", skipped)
    lines = kept.split("\n")[1:4]
    suggestion_text = "\n".join([*lines[:2], "        result = p"])
    assert (
        fitting_suggestion(suggestion_text, shown(kept), at(2, 4)) == suggestion_text
    )  # it was there before


def test_a_diff_of_the_lines_is_taken_for_its_new_side() -> None:
    suggestion_text = "-        result += p\n+        result += p * 2\n     return result"
    assert fitting_suggestion(suggestion_text, shown(), at(4, 5)) == (
        "        result += p * 2\n    return result"
    )
    assert fitting_suggestion("-        other\n+        result", shown(), at(4, 4)) is None
    first_line = "-def total(prices):\n+def total(prices, tax):"
    assert fitting_suggestion(first_line, shown(), at(1, 1)) == "def total(prices, tax):"
    blank = shown("a = 1\n\nb = 2\n")
    assert fitting_suggestion("-a = 1\n+a = 3\n\n b = 2", blank, at(1, 3)) == "a = 3\n\nb = 2"


def test_a_fence_is_a_part_of_a_markdown_file() -> None:
    markdown = {"language": "markdown", "content": "# A\n\n```python\nx = 1\n```\n"}
    code = "```python\nx = 2\n```"
    assert fitting_suggestion(code, shown(**markdown), at(3, 5)) == code
    wrapped = f"````suggestion\n{code}\n````"
    assert fitting_suggestion(wrapped, shown(**markdown), at(3, 5)) == code


@pytest.mark.parametrize(
    ("language", "content", "line", "suggestion", "kept"),
    [
        ("ini", "[a]\nport = 80\n", 2, "port = 8080", True),
        ("sql", "SELECT 1;\nDELETE FROM users;\n", 2, "DELETE FROM users WHERE id = 1;", True),
        ("html", "<p>\n<a href='x'>go</a>\n", 2, "<a href='y'>go</a>", True),
        ("", "retries 3\n", 1, "retries 5", True),
        ("ini", "[a]\nport = 80\n", 2, "Use another port here, as 80 needs root.", False),
        ("ini", "[a]\nport = 80\n", 2, "[a]\nport = 8080", False),
        ("ini", "[a]\nport = 80\n", 2, "2 | port = 8080 (changed)", False),
        ("markdown", "# A\n\nSome text.\n", 3, "-Some text.\n+Other text.\n+More.", False),
        ("html", "<p>\n<a href='x'>go</a>\n", 2, "", False),
    ],
)
def test_where_no_parser_can_tell_only_a_line_like_the_old_one_is_kept(
    language: str, content: str, line: int, suggestion: str, kept: bool
) -> None:
    view = shown(content, language=language)
    assert fitting_suggestion(suggestion, view, at(line, line)) == (suggestion if kept else None)


WHOLE = {
    "python": (
        'def mean(a, b):\n    """Of two."""\n    return a / b\n',
        "def mean(a, b):\n    if not b:\n        return None\n    return a / b",
    ),
    "python method": (
        "class A:\n    async def mean(self):\n        x = 1\n        return x\n",
        "    async def mean(self):\n        return 1",
    ),
    "go": (
        "package a\n\nfunc mean(a, b int) int {\n\t// of two\n\treturn a / b\n}\n",
        "func mean(a, b int) int {\n\tif b == 0 {\n\t\treturn 0\n\t}\n\treturn a / b\n}",
    ),
    "javascript": (
        "export function mean(a, b) {\n  // of two\n  return a / b;\n}\n",
        "function mean(a, b) {\n  return b ? a / b : 0;\n}",
    ),
    "java": (
        "class A {\n  public int mean(int a, int b) {\n    // of two\n    return a / b;\n  }\n}\n",
        "public int mean(int a, int b) {\n  return b == 0 ? 0 : a / b;\n}",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_function_for_a_line_of_it_is_no_suggestion(name: str) -> None:
    content, suggestion = WHOLE[name]
    lines = content.split("\n")
    number = next(n for n, line in enumerate(lines, 1) if "return" in line)
    view = shown(content, language=name.split()[0])
    assert fitting_suggestion(suggestion, view, at(number, number)) is None


def test_a_function_may_be_replaced_by_itself_and_a_new_one_may_come() -> None:
    new = "def total(prices):\n    return sum(prices)"
    assert fitting_suggestion(new, shown(), at(1, 5)) == new
    both = "def one():\n    return 1\n\n\ndef total(prices):"
    assert fitting_suggestion(both, shown(), at(1, 1)) == both


def test_a_suggestion_to_a_file_that_did_not_parse_before_is_kept() -> None:
    broken = shown("def f(:\n    return 1\n")
    assert fitting_suggestion("    return 2", broken, at(2, 2)) == "    return 2"


def test_lines_that_were_shown_otherwise_cannot_be_replaced() -> None:
    token = SHAPES["github personal"]
    secret = shown(f'key = "{token}"\nx = 1\n')
    assert token[:8] not in (secret.content or "")
    assert fitting_suggestion('key = os.environ["KEY"]', secret, at(1, 1)) is None


def test_bytes_that_are_no_utf8_cannot_be_replaced() -> None:
    """The model saw a stand-in for them, and would put it in their place."""
    latin = shown(b'name = "caf\xe9"\nx = 1\n'.decode("utf-8", "replace"))
    assert fitting_suggestion('title = "caf\ufffd"', latin, at(1, 1)) is None
    assert fitting_suggestion('title = "café"', latin, at(1, 1)) is None
    assert fitting_suggestion("x = 2", latin, at(2, 2)) == "x = 2"


def test_a_finding_is_anchored_by_its_quote_not_by_its_line() -> None:
    found = validate_finding(raw(line=1), {"shop.py": shown()}, FILTER)
    assert isinstance(found, Finding)
    assert (found.start_line, found.end_line, found.quote) == (4, 4, "        result += p")
    assert found.source == "llm"
    assert found.fingerprint


def test_a_quote_that_is_not_found_is_reported_without_a_line() -> None:
    found = validate_finding(raw(quote="never_written()"), {"shop.py": shown()}, FILTER)
    assert isinstance(found, Finding)
    assert not found.anchored


def test_the_fingerprint_does_not_depend_on_wording_or_lines() -> None:
    first = validate_finding(raw(), {"shop.py": shown()}, FILTER)
    second = validate_finding(
        raw(title="Other", body="Words", line=2), {"shop.py": shown("\n" + CONTENT)}, FILTER
    )
    assert isinstance(first, Finding)
    assert isinstance(second, Finding)
    assert first.fingerprint == second.fingerprint
    assert first.start_line != second.start_line


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"path": "other.py"}, RejectionReason.NOT_IN_CHANGE),
        ({"confidence": 0.5}, RejectionReason.CONFIDENCE),
        ({"severity": Severity.INFO}, RejectionReason.SEVERITY),
    ],
)
def test_an_unwanted_finding_is_dropped_with_the_reason(
    changed: dict[str, object], reason: RejectionReason
) -> None:
    found = validate_finding(raw(**changed), {"shop.py": shown()}, FILTER)
    assert isinstance(found, Rejected)
    assert found.reason is reason


def test_a_category_that_was_not_requested_is_dropped() -> None:
    only = FindingFilter((Category.SECURITY,), Severity.LOW, 0.6)
    assert isinstance(validate_finding(raw(), {"shop.py": shown()}, only), Rejected)
