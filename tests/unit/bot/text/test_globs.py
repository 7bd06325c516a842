import time
from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.globs import PatternSet, any_matches, expand_braces, matches
from tests.support.runtime_growth import growth
from tests.support.tally import Tally, tallied


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


@pytest.mark.parametrize(
    ("pattern", "expanded"),
    [
        ("src/*.{ts,tsx}", ("src/*.ts", "src/*.tsx")),
        ("{a,b}/{c,d}", ("a/c", "a/d", "b/c", "b/d")),
        ("*.{js,{ts,tsx}}", ("*.js", "*.ts", "*.js", "*.tsx")),
        ("*.{ts}", ("*.{ts}",)),  # no choice, as a shell has it
        ("{a,b", ("{a,b",)),
    ],
)
def test_braces_stand_for_several_patterns(pattern: str, expanded: tuple[str, ...]) -> None:
    assert expand_braces(pattern) == expanded


def test_braces_become_no_more_patterns_than_anybody_writes() -> None:
    assert len(expand_braces("{a,b}" * 300)) <= 40


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


NAMES = st.lists(st.text("ab.[]!-", min_size=1, max_size=3), min_size=1, max_size=4)
PATTERNS = st.lists(
    st.sampled_from(["a", "b", "*", "**", "?", "/", "**/", "[ab]", "[!a]", "[", "]", "[]a]", "!"]),
    min_size=1,
    max_size=8,
).map("".join)


@st.composite
def patterns_for(draw: st.DrawFn, names: list[str]) -> str:
    """Any pattern, or one that is likely to match."""
    if draw(st.booleans()):
        return draw(PATTERNS)
    wild = st.sampled_from(["*", "**", "?*", "*?"])
    return "/".join(draw(st.just(name) | wild) for name in names)


def matches_name_by_name(pattern: str, names: list[str]) -> bool:
    """The same by definition: each part of the pattern takes a name, `**` any number of them."""
    parts = pattern.strip("/").split("/")
    if len(parts) == 1 and not pattern.startswith("/"):
        parts.insert(0, "**")
    if pattern.endswith("/"):
        parts += ["*", "**"]
    reached = {0}
    for part in parts:
        if part == "**":
            reached = set(range(min(reached), len(names) + 1)) if reached else set()
        else:
            reached = {n + 1 for n in reached if n < len(names) and fnmatchcase(names[n], part)}
    return len(names) in reached


@tallied
@given(names=NAMES, data=st.data())
def test_a_path_matches_as_its_names_do(
    tally: Tally, names: list[str], data: st.DataObject
) -> None:
    tally.at_least(matches=0.1, differs=0.1)
    pattern = data.draw(patterns_for(names))
    expected = matches_name_by_name(pattern, names)
    tally.add(matches=expected, differs=not expected)
    assert matches(pattern, "/".join(names)) == expected


@tallied
@given(names=NAMES, data=st.data())
def test_patterns_match_together_as_they_do_alone(
    tally: Tally, names: list[str], data: st.DataObject
) -> None:
    tally.at_least(some=0.2, not_all=0.2)
    patterns = data.draw(st.lists(patterns_for(names), max_size=6))
    path = "/".join(names)
    alone = {n for n, pattern in enumerate(patterns) if matches_name_by_name(pattern, names)}
    tally.add(some=bool(alone), not_all=len(alone) < len(patterns))
    assert set(PatternSet(patterns).matching(path)) == alone
    assert any_matches(patterns, path) == bool(alone)


@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        (["**/*/" * 38 + f"z{n}" for n in range(155)], "/".join(["a"] * 500)),
        (["**/" + "a*" * 96 + f"z{n}" for n in range(200)], ("a" * 15 + "/") * 62 + "b"),
        (
            [f"**/[a-z{chr(1000 + n)}]*" for n in range(200)],
            "/".join(chr(3000 + n) for n in range(500)),
        ),
    ],
    ids=["folders", "stars", "classes"],
)
def test_many_patterns_cost_no_more_than_is_said_before(patterns: list[str], path: str) -> None:
    """Matched one by one, a path took seconds."""
    compiled = PatternSet(patterns)
    compiled.matches(path)
    began = time.process_time()
    for _ in range(10):
        compiled.matches(path)
    assert time.process_time() - began < 10 * compiled.cost(path) + 0.1
    assert compiled.cost(path) < 0.5
