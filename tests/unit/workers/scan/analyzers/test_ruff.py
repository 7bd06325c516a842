"""What ruff's rules about security report, as bandit does, and which comments allow it."""

import subprocess
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Finding, Severity
from tests.support.runtime_growth import growth
from workers.scan.analyzers.analyzer import Target
from workers.scan.analyzers.evidence import ChangedLines, finding, in_our_words
from workers.scan.analyzers.ruff import RUFF
from workers.scan.analyzers.rules.marks import Marks


def found(
    folder: Path, text: str, path: str = "a.py", changed: Iterable[int] = ()
) -> list[Finding]:
    """What is reported of a file of which all lines are new, or those in `changed`."""
    old = set(changed) and set(range(1, text.count("\n") + 2)) - set(changed)
    lines = tuple(
        Line(n if n in old else None, n, line) for n, line in enumerate(text.splitlines(), 1)
    )
    file = ChangedFile(path=path, status=FileStatus.MODIFIED, hunks=(Hunk(1, 1, "", lines),))
    targets = {"0001.py": Target(file, "python", text)}
    (folder / "0001.py").write_text(text)
    done = subprocess.run(
        _installed(RUFF.command(targets)), cwd=folder, capture_output=True, check=True
    )
    items = (
        finding("ruff", in_our_words("ruff", item), ChangedLines(targets["0001.py"]))
        for item in RUFF.read(done.stdout, targets)
    )
    return [item for item in items if item is not None]


def _installed(command: Sequence[str]) -> list[str]:
    """The command with the program of this environment, whatever PATH holds."""
    return [str(Path(sysconfig.get_path("scripts")) / command[0]), *command[1:]]


def places(findings: Iterable[Finding]) -> list[tuple[str, int | None, int | None]]:
    return [
        (item.source.removeprefix("ruff:"), item.start_line, item.end_line) for item in findings
    ]


SQL = """\
def f(db, x, y):
    db.execute(
        # by name
        f"SELECT a FROM b WHERE c = {x}"
    )
    print(f"SELECT a FROM b WHERE c = {x}")
    db.execute(f"SELECT a FROM {x} ORDER BY {y}")
"""


def test_sql_is_severe_where_it_is_executed_and_doubted_where_only_names_are_put_in(
    tmp_path: Path,
) -> None:
    told = [(item.start_line, item.severity, item.confidence) for item in found(tmp_path, SQL)]
    assert told == [(4, Severity.HIGH, 0.7), (6, Severity.MEDIUM, 0.4), (7, Severity.HIGH, 0.4)]


HARMLESS = """\
import subprocess
import tarfile
from urllib.request import Request, urlopen


def f(x, g):
    subprocess.run("ls", shell=True)
    with tarfile.open(x) as archive:
        archive.extractall(members=g(archive))
    request = Request(x)
    urlopen(request)
    assert x
    subprocess.run(["ls", x])
"""


def test_what_seems_safe_is_not_told_nor_anything_in_tests(tmp_path: Path) -> None:
    assert places(found(tmp_path, HARMLESS)) == [("S310", 11, 11)]
    assert found(tmp_path, "import os\nos.system(input())\n", "tests/test_a.py") == []


CALL = """\
import subprocess


def f(x):
    subprocess.Popen("é", stdin=open(x)).communicate(subprocess.run(
        x,
        shell=True,
    ))
"""


def test_an_argument_that_makes_a_call_a_weakness_tells_of_it(tmp_path: Path) -> None:
    assert places(found(tmp_path, CALL)) == [("S602", 5, 8)]
    assert places(found(tmp_path, CALL, changed=[7])) == [("S602", 7, 7)]
    assert found(tmp_path, CALL, changed=[1]) == []


#: Lines that run a shell, and whether a comment allows it.
MARKED = {
    "os.system(x)": False,
    "os.system(x)  # noqa": False,
    "os.system(x)  # noqa: F401": False,
    "os.system(x)  # noqa: S605": True,
    "os.system(x)  # NOQA:F401, S605 - x is ours": True,
    "os.system(x)  # noqa: no-such": False,
    "os.system(x)  # ruff: ignore[S605]": True,
    "# ruff: ignore[S605]\n    # for x is ours\n    os.system(x)": True,
    "# ruff: ignore[S605]\n    os.sep\n    os.system(x)": False,
    "os.system(x)  # nosec": True,
    "os.system(x)  # nosec B605 - x is ours": True,
    "os.system(x)  # nosec: B602": False,
    "os.system(\n        x,  # nosec\n    )": True,
    "# ruff: disable[S605]\n    os.system(x)": False,
}


WIDE = "# ruff: noqa\n# flake8: noqa\n# ruff: noqa: S605\n# ruff: file-ignore[S605]\nimport os\n"


def test_a_comment_allows_a_weakness_on_its_line_by_name(tmp_path: Path) -> None:
    for line, allowed in MARKED.items():
        told = found(tmp_path, f"{WIDE}\n\ndef f(x):\n    {line}\n")
        assert {item.source for item in told} == (set() if allowed else {"ruff:S605"}), line


#: Marks of ruff's own, for what is no weakness; a name `x…` is defined nowhere.
OTHERS = [
    "x1\nx2  # noqa\nx3  # noqa: F821\nx4  # noqa: F401\nx5  # noqa : F821,F401\nx6  # noqa:\n",
    "# ruff: noqa\nx1\n",
    "# ruff: noqa: F821\nx1\nimport os\n",
    "# flake8: noqa: F401\nx1\nimport os\n",
    "x1  # ruff: noqa\nx2\n",
    "# ruff: file-ignore[F821]\nx1\nimport os\n",
    "x1  # ruff: ignore[F821]\n# ruff: ignore[F821]\nx2\nx3\n",
    "# ruff: disable[F821]\nx1\n# ruff: enable[F821]\nx2\n",
    "def f():\n    # ruff: disable[F821]\n    x1\n\n    x2\n\n\nx3\n",
    "from a import (  # noqa: F401\n    b,\n    c,\n)\nfrom d import (\n    e,\n)\n",
    'x1("""\n""")  # noqa\nx2("""  # noqa\n""")\n',
]


@pytest.mark.parametrize("text", OTHERS)
def test_ruffs_own_marks_count_for_all_else_as_they_do_for_ruff(tmp_path: Path, text: str) -> None:
    ours = [(item.source, item.start_line) for item in found(tmp_path, text)]
    command = ["ruff", "check", "--isolated", "--no-cache", "--quiet", "--exit-zero"]
    done = subprocess.run(
        [*_installed(command), "--select=F,B018", "--output-format=concise", "0001.py"],
        cwd=tmp_path, capture_output=True, check=True, text=True,
    )  # fmt: skip
    theirs = [line.split(":") for line in done.stdout.splitlines()]
    assert ours == [(f"ruff:{message.split()[0]}", int(row)) for _, row, _, message in theirs]


def test_a_file_full_of_marks_is_read_in_time_that_grows_with_its_length() -> None:
    text = "# ruff: disable[F821]\n# ruff: enable[F401]\nx  # noqa: F821\n"
    assert growth(lambda size: Marks(text * size), 4000) < 10
