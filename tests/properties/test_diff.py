"""Random pairs of files through the real git: the parsed hunks are the change."""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.diff import ChangedFile, Line
from tests.support.tally import Tally
from workers.scan.repository.diff import DiffError, parse_numstat, parse_patch, parse_raw

LINES = st.lists(
    st.one_of(
        st.sampled_from(["", "a", "b", "{", "}", "  x", "@@ -1 +1 @@", "diff --git a/x b/x",
                         "+++ b/x", "--- a/x", "\\ No newline at end of file", "-", "+",
                         "\r", "é\u2028"]),
        st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=8),
    ),
    max_size=25,
)  # fmt: skip
NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and not name.lower().startswith((".git", "git~")))


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts, the second an edit of the first; any line ends, with or without the last."""
    old = draw(LINES)
    new = list(old)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(new)))
        new[at : at + draw(st.integers(0, 3))] = draw(LINES)[:4]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    finals = [draw(st.sampled_from(["", end])) for _ in range(2)]
    return end.join(old) + finals[0], end.join(new) + finals[1]


def git(*args: str, cwd: Path, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *args], cwd=cwd, input=stdin, capture_output=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def diff(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """git's answer for two trees, given as maps from path to content."""
    place = tmp_path_factory.mktemp("git")
    git("init", "--quiet", "--bare", ".", cwd=place)

    @cache
    def blob(text: str) -> bytes:
        return git("hash-object", "-w", "--stdin", cwd=place, stdin=text.encode()).strip()

    def tree(files: dict[str, str]) -> str:
        records = b""
        for name, text in sorted(files.items(), key=lambda item: item[0].encode()):
            records += b"100644 blob " + blob(text) + b"\t" + name.encode() + b"\0"
        return git("mktree", "-z", cwd=place, stdin=records).decode().strip()

    def run(old: dict[str, str], new: dict[str, str], *options: str) -> bytes:
        fixed = ("--raw", "-z", "--no-abbrev", "--full-index", "--no-color", "-M")
        return git("diff", *fixed, *options, tree(old), tree(new), cwd=place)

    return run


limit_response = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _apply(old: Sequence[str], file: ChangedFile) -> list[str]:
    new: list[str] = []
    position = 0
    for hunk in file.hunks:
        first = hunk.old_start if any(not line.added for line in hunk.lines) else hunk.old_start + 1
        new += old[position : first - 1]
        position = first - 1
        for line in hunk.lines:
            if not line.added:
                assert line.text == old[position]
                position += 1
            if not line.removed:
                new.append(line.text)
    return new + list(old[position:])


def _right(line: Line, old: Sequence[str], new: Sequence[str]) -> bool:
    return all(
        number is None or side[number - 1] == line.text
        for number, side in ((line.old, old), (line.new, new))
    )


@limit_response
@given(pair=texts())
def test_hunks_applied_to_the_old_text_give_the_new_one(
    tally: Tally, pair: tuple[str, str], diff: Callable[..., bytes]
) -> None:
    tally.at_least(differ=0.4)
    old, new = pair
    tally.add(differ=old != new)
    files = parse_patch(diff({"f": old}, {"f": new}, "--patch"))
    if old == new:
        assert files == ()
        return
    (file,) = files
    assert not file.binary
    assert _apply(_lines(old), file) == _lines(new)
    assert all(_right(line, _lines(old), _lines(new)) for h in file.hunks for line in h.lines)
    (counted,) = parse_numstat(diff({"f": old}, {"f": new}, "--numstat"))
    assert (counted.additions, counted.deletions) == (file.additions, file.deletions)


@limit_response
@given(names=st.lists(NAMES, min_size=1, max_size=6, unique=True), moved=NAMES)
def test_every_file_keeps_its_own_path_and_hunks(
    names: list[str], moved: str, diff: Callable[..., bytes]
) -> None:
    body = "".join(f"line {n}\n" for n in range(20))
    old = {name: f"{body}{number}\n" for number, name in enumerate(names)}
    new = {name: text + "more\n" for name, text in old.items()}
    if moved not in new:
        new[moved] = new.pop(names[0])
    files = parse_patch(diff(old, new, "--patch"))
    assert {file.path for file in files} == set(new)
    for file in files:
        source = _lines(old[file.old_path or file.path])
        assert _apply(source, file) == _lines(new[file.path])
    assert [file.path for file in parse_raw(diff(old, new))] == [file.path for file in files]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [b":100644 100644 ", b"1" * 40, b" ", b" M\0", b" R100\0", b"a\0", b"\0\0",
                 b"diff --git a b\n", b"@@ -1,2 +1 @@\n", b"@@ -0,0 +1 @@ f\n", b"+x\n", b"-y\n",
                 b" z\n", b"\\ No\n", b"1\t2\ta\0", b"-\t-\t\0", b"\n"]
            ),
            max_size=14,
        ).map(b"".join),
    )
)  # fmt: skip
def test_no_input_does_worse_than_a_diff_error(data: bytes) -> None:
    for parse in (parse_raw, parse_numstat, parse_patch):
        with suppress(DiffError):
            parse(data)
