"""What is searched for: literal text, or a regular expression that no line makes slow."""

import re
import subprocess
from pathlib import Path

import pytest

from workers.repository.search_pattern import BadPattern, search_pattern

LINES = (
    "const a = foo(bar);", "foo bar", "xfoo", "a.b", "aXb", "arr[0]", "x - y", "x ^ y", "]", "\t12",
    "call( 1 )", "aaa", "{2,5}", "a{2", "caf\u00e9", "A_1-b",
)  # fmt: skip


def grepped(pattern: str, folder: Path) -> list[str]:
    """The lines that git itself finds by what was made of `pattern`."""
    found = search_pattern(pattern)
    (folder / "lines").write_text("\n".join(LINES) + "\n")
    options = ["-E" if found.regex else "-F", *(["-i"] if found.ignore_case else [])]
    done = subprocess.run(
        ["git", "grep", "--no-index", "-h", *options, "-f", "-", "--", "lines"],
        cwd=folder, input=found.text, capture_output=True, text=True, check=False,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "GIT_DIR": "/nonexistent"},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "expression",
    [
        r"foo\(bar\)", r"\bfoo\b", r"fo*?o", r"a.b", r"a\.b", r"arr\[\d+\]", r"[\w.-]+ - y",
        r"[-x] ", r"[^-x] \^", r"[]x]", r"[\]]", r"[\^]", r"[^^]x", r"[a\-z]b", r"\t\d\d",
        r"\s\d", r"(?:foo|xfoo)$", r"^a{2,3}$", r"a{3}?", r"\{2,5\}", r"a\{2", r"(a|aa)+$",
        r"(?i)FOO BAR", r"call\( \d \)", r"\D\d", r"A_1\-b", r"[A-C]_", r"a\/?\.b", r"[\[.]0",
        r"^\S+$", r"x|y", r"()aaa", r"[\d\s]1",
    ],
)  # fmt: skip
def test_an_expression_matches_the_lines_that_python_says(expression: str, tmp_path: Path) -> None:
    expected = [line for line in LINES if re.search(expression, line)]
    assert grepped(f"/{expression}/", tmp_path) == expected


@pytest.mark.parametrize(
    "text", ["a.b", "arr[0]", "/", "//", "foo(", "-e", "--help", "[", "\\", "*"]
)
def test_other_text_is_looked_for_as_it_stands(text: str, tmp_path: Path) -> None:
    assert grepped(text, tmp_path) == [line for line in LINES if text in line]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("a\nb", "several"),
        ("a" * 201, "longer"),
        ("/(/", "not a regular expression"),
        ("/a**/", "not a regular expression"),
        (r"/(a)\1/", "not supported"),
        ("/a(?=b)/", "ahead"),
        ("/(?<!a)b/", "ahead"),
        ("/(?P<n>a)/", "ahead"),
        (r"/\x41/", "not supported"),
        ("/a++/", "possessive"),
        ("/(a{50}){50}/", "repeats too much"),
        ("/((a{20}){20}){20}/", "repeats too much"),
        ("/a{401}/", "repeats too much"),
        ("/" + "(a{40})" * 11 + "/", "repeats too much"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_words(wanted: str, said: str) -> None:
    with pytest.raises(BadPattern, match=said):
        search_pattern(wanted)
