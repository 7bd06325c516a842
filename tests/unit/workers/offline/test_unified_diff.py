"""What a diff says of the old files, held against git's own application of it."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.tally import Tally
from workers.offline.unified_diff import BadDiff, split_diff

LINES = st.lists(st.sampled_from(["a", "", "--- x", "+++ y", "@@ -1 +1 @@", "\\ no"]), max_size=12)


def git(folder: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(old=LINES, new=LINES, context=st.integers(0, 3), ends=st.booleans())
def test_gits_own_diff_applies_to_what_was_read_of_it(
    tally: Tally,
    tmp_path_factory: pytest.TempPathFactory,
    old: list[str],
    new: list[str],
    context: int,
    ends: bool,
) -> None:
    folder = tmp_path_factory.mktemp("diff")
    end = "\n" if ends else ""
    for name, lines in (("old", old), ("new", new)):
        (folder / name).write_text("\n".join(lines) + end if lines else "")
    made = git(folder, "diff", "--no-index", f"-U{context}", "--", "old", "new").stdout
    tally.at_least(differ=0.5)
    tally.add(differ=bool(made))
    if not made:
        return
    [patch] = split_diff(made.encode())
    assert patch.old_path in (b"old", None)
    shown = patch.old.split(b"\n")
    for number, line in enumerate((folder / "old").read_bytes().split(b"\n")[: len(shown)]):
        assert shown[number] in (line, b"")
    (folder / "old").write_bytes(patch.old)
    applied = git(folder, "apply", "--unidiff-zero", "--whitespace=nowarn", stdin=made)
    assert applied.returncode == 0, applied.stderr


def test_names_are_read_as_git_quotes_them() -> None:
    name = b'caf\\303\\251 \\"x\\".txt"'
    quoted = b'--- "a/' + name + b'\n+++ "b/' + name + b"\n@@ -1 +1 @@\n-a\n+b\n"
    [patch] = split_diff(b"A message first.\n" + quoted)
    assert patch.old_path == 'café "x".txt'.encode()
    assert patch.old == b"a\n"


def test_each_file_is_a_part_whoever_wrote_the_diff() -> None:
    plain = b"--- a/one\t2026-01-01\n+++ b/one\n@@ -3 +3 @@\n-x\n+y\n"
    other = b"diff --git a/two b/two\nold mode 100644\nnew mode 100755\n"
    third = b"diff --git a/three b/three\n" + plain.replace(b"one", b"three")
    found = split_diff(plain + other + third)
    assert [patch.old_path for patch in found] == [b"one", b"two", b"three"]
    assert found[0].old == b"\n\nx\n"


def test_a_text_without_a_file_is_no_diff() -> None:
    with pytest.raises(BadDiff):
        split_diff(b"@@ nothing of that kind\n")
