from collections.abc import Callable

import pytest

from bot.text.globs import any_matches, matches
from tests.support.runtime_growth import growth


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.md", "README.md"),
        ("*.md", "docs/deep/page.md"),
        ("docs/", "docs/page.md"),
        ("docs/", "lib/docs/page.md"),
        ("/docs/", "docs/page.md"),
        ("src/**/*.py", "src/a.py"),
        ("src/**/*.py", "src/deep/er/a.py"),
        ("**/gen/**", "lib/gen/a.c"),
        ("src/**", "src/deep/a.py"),
        ("**", "any/thing"),
        ("?.c", "a.c"),
        ("[ab].c", "a.c"),
        ("/main", "main"),
        ("/release/*", "release/1.2"),
    ],
)
def test_a_pattern_fits(pattern: str, path: str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.md", "page.mdx"),
        ("docs/", "docs"),
        ("docs/", "mydocs/page.md"),
        ("/docs/", "lib/docs/page.md"),
        ("src/*.py", "src/deep/a.py"),
        ("lib/a.py", "src/lib/a.py"),
        ("?.c", "ab.c"),
        ("readme.md", "README.md"),
        ("/main", "topic/main"),
        ("a" * 2000, "a" * 2000),
    ],
)
def test_a_pattern_does_not_fit(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


def test_one_of_many_is_enough_and_none_fits_nothing() -> None:
    assert any_matches(["*.c", "*.md"], "a.md")
    assert not any_matches([], "a.md")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (lambda size: "*a" * 100 + "b", lambda size: "a" * size),
        (lambda size: "**/a/" * 60 + "b", lambda size: "a/" * (size // 2) + "c"),
    ],
    ids=["stars", "folders"],
)
def test_no_pattern_blows_up(pattern: Callable[[int], str], path: Callable[[int], str]) -> None:
    def match(size: int) -> None:
        assert not matches(pattern(size), path(size))

    assert growth(match, 4000) < 9
