"""A new member of an enum or a union that some dispatch forgets is found by mypy.

mypy checks every dispatch once, with a member more in each enum and union; it reads those from
shadow files, so that the code itself stays as it is.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Where it is declared, what is put in for what, and the dispatch that then lacks a case.
MUTATIONS = [
    (
        "bot/domain/events.py",
        r"(\n +\| )Ping,",
        r"\1Ping\1Repository,",
        "workers/events/dispatch.py",
    ),
    (
        "bot/domain/events.py",
        r'(\n +)CLOSED = "closed"',
        r'\g<0>\1LOCKED = "locked"',
        "workers/events/dispatch.py",
    ),
    (
        "bot/domain/events.py",
        r'(\n +)DELETED = "deleted"',
        r'\g<0>\1EXPIRED = "expired"',
        "workers/events/uninstalled.py",
    ),
    (
        "bot/domain/commands.py",
        r'(\n +)CANCEL = "cancel"',
        r'\g<0>\1EXPLAIN = "explain"',
        "workers/events/commands.py",
    ),
]


def test_a_member_that_a_dispatch_forgets_fails_the_type_check(tmp_path: Path) -> None:
    declarations = {path: (ROOT / path).read_text() for path, *_ in MUTATIONS}
    for path, before, after, _ in MUTATIONS:
        declarations[path], times = re.subn(before, after, declarations[path])
        assert times == 1, f"{path}: {before}"
    shadows: list[str] = []
    for number, (path, text) in enumerate(declarations.items()):
        shadow = tmp_path / f"{number}.py"
        shadow.write_text(text)
        shadows += ["--shadow-file", path, str(shadow)]
    dispatches = [dispatch for *_, dispatch in MUTATIONS]
    done = subprocess.run(
        [
            # No more than these files are read, or it would take as long as the whole check.
            *(sys.executable, "-m", "mypy", "--follow-imports=skip", "--cache-dir", "/dev/null"),
            *(*shadows, *declarations, *dict.fromkeys(dispatches)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    missing = [line for line in done.stdout.splitlines() if line.endswith("[exhaustive-match]")]
    assert Counter(line.partition(":")[0] for line in missing) == Counter(dispatches), done.stdout
