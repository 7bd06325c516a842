"""A new member of an enum or a union that some dispatch forgets is found.

Where the dispatch is a table, a test compares it with the enum. Where it is a `match`, mypy checks
it once, with a member more in each enum and union; it reads those from shadow files, so that the
code itself stays as it is.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.domain.commands import COMMAND_WORDS, BadCommand, Command, Verb, parse
from workers.events.commands.run import COMMANDS
from workers.reports.render import help_body

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
        "bot/domain/report_format.py",
        r'(\n +)PDF = "pdf"',
        r'\g<0>\1ODT = "odt"',
        "workers/reports/formats/__init__.py",
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


def test_every_command_is_carried_out_by_a_file_of_its_own() -> None:
    assert set(COMMANDS) == set(Verb)
    files = {verb: run.__module__.rpartition(".")[2] for verb, run in COMMANDS.items()}
    assert files == {verb: verb.replace("-", "_") for verb in Verb}


@pytest.mark.parametrize("verb", Verb)
def test_every_command_can_be_written(verb: Verb) -> None:
    written = "/review" if verb is Verb.REVIEW else f"/review {verb}"
    written += {Verb.ASK: " why?"}.get(verb, "")
    (command,) = parse(written)
    assert isinstance(command, Command)
    assert command.verb is verb


#: Commands as docs and help write them: placeholders are words in capitals.
_WRITTEN = re.compile(r"`(/review[^`]*)`")


def test_every_command_has_a_row_of_docs_and_every_row_a_command() -> None:
    rows = re.findall(r"^\| (`/review.*)$", (ROOT / "docs/commands.md").read_text(), re.MULTILINE)
    shown = {row: _WRITTEN.findall(row.partition("|")[0]) for row in rows}
    names = {word for row in rows for word in re.findall(r"`([a-z]*)`", row)}
    assert _words(written for found in shown.values() for written in found) | names >= {
        *("", *COMMAND_WORDS)
    }
    wrong = [
        written
        for found in shown.values()
        for written in found
        for command in parse(written)
        if isinstance(command, BadCommand)
    ]
    assert not wrong


def test_the_answer_to_help_names_every_command_and_nothing_else() -> None:
    rows = [line for line in help_body(1).splitlines() if line.startswith("- `/review")]
    written = [found for row in rows for found in _WRITTEN.findall(row)]
    names = {word for row in rows for word in re.findall(r"`([a-z]+)`", row)}
    # Help is what the reader just asked for.
    assert _words(written) | names >= {"", *COMMAND_WORDS} - {Verb.HELP}
    wrong = [one for one in written for got in parse(one) if isinstance(got, BadCommand)]
    assert not wrong


def _words(written: Iterable[str]) -> set[str]:
    """The word that tells each command from the others, "" for `/review` alone."""
    return {(one.split() + [""])[1] for one in written}
