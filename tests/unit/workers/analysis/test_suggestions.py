"""Suggestions apply, change something and parse, or they are not made; findings are judged."""

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
    ],
)
def test_a_suggestion_fits_or_is_none(suggestion: str, anchor: Anchor, kept: str | None) -> None:
    assert fitting_suggestion(suggestion, shown(), anchor) == kept


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
