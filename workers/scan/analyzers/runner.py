"""Run all analysers over the changed files at once; none can spoil another's evidence."""

import asyncio
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bot.domain.model import Finding
from bot.telemetry import tracing
from workers.scan.analyzers import text_checks
from workers.scan.analyzers.analyzer import MOST, Analyzer, Said, Target
from workers.scan.analyzers.bandit import BANDIT
from workers.scan.analyzers.data_files import DATA
from workers.scan.analyzers.evidence import Ground, finding
from workers.scan.analyzers.hadolint import HADOLINT
from workers.scan.analyzers.isolation import Isolation, isolation, run_isolated
from workers.scan.analyzers.oxlint import OXLINT
from workers.scan.analyzers.ruff import RUFF
from workers.scan.analyzers.secrets import SECRETS, without_secrets
from workers.scan.analyzers.shellcheck import SHELLCHECK
from workers.scan.analyzers.zizmor import ZIZMOR
from workers.scan.repository.process import OutputTooLarge, ProcessTimeout

ANALYZERS: tuple[Analyzer, ...] = (
    RUFF, BANDIT, SECRETS, SHELLCHECK, HADOLINT, ZIZMOR, OXLINT, DATA,
)  # fmt: skip
HIDDEN = "hidden-characters"
MERGE = "merge"
NAMES = (*(analyzer.name for analyzer in ANALYZERS), HIDDEN, MERGE)

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")
#: What ends a line for some analysers, as YAML's and JavaScript's, but not for git and GitHub.
_NO_LINE_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Heard:
    """What analysers said on changed lines, in order of path and line; a sentence for each that
    failed; the names of those whose silence says nothing: they failed, or had more to say
    than is taken; and the paths that one that knows their language looked through."""

    evidence: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()
    reviewed: frozenset[str] = frozenset()


async def run_all(
    targets: Sequence[Target],
    *,
    seconds: float,
    disabled: Iterable[str] = (),
    analyzers: Sequence[Analyzer] = ANALYZERS,
) -> Heard:
    """Ask all but the `disabled`, which are names of NAMES; `seconds` is the time of each."""
    off = set(disabled)
    kind = await asyncio.to_thread(isolation)
    room = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(analyzer: Analyzer) -> Heard:
        async with room:
            return await _run(analyzer, targets, seconds, kind)

    results = await asyncio.gather(*(one(a) for a in analyzers if a.name not in off))
    for name, check in (
        (HIDDEN, text_checks.hidden_characters),
        (MERGE, text_checks.conflict_markers),
    ):
        if name not in off:
            said = ((target, said) for target in targets for said in check(target))
            results.append(_heard(name, said))
    found = without_secrets([item for result in results for item in result.evidence])
    found.sort(key=lambda item: (item.path, item.start_line or 0, item.severity.rank, item.source))
    return Heard(
        tuple(found),
        notes=tuple(note for result in results for note in result.notes),
        unheard=tuple(name for result in results for name in result.unheard),
        reviewed=frozenset(path for result in results for path in result.reviewed),
    )


async def _run(
    analyzer: Analyzer, targets: Sequence[Target], seconds: float, kind: Isolation
) -> Heard:
    wanted = [target for target in targets if analyzer.wants(target)]
    if not wanted:
        return Heard(())
    try:
        with tracing.span(f"analyser {analyzer.name}", {"glossator.files": len(wanted)}):
            said = await _ask(analyzer, wanted, seconds, kind)
    except ProcessTimeout:
        return _failed(analyzer, f"took longer than {seconds:.0f} seconds and was stopped.")
    except OutputTooLarge:
        return _failed(analyzer, "found too much to be told.")
    except FileNotFoundError:
        return _failed(analyzer, "is not installed on this server and was left out.")
    except (ValueError, KeyError, TypeError, IndexError):
        return _failed(analyzer, "failed on this change and was left out.")
    heard = _heard(analyzer.name, said, analyzer.most)
    if analyzer.reviews:
        return replace(heard, reviewed=frozenset(target.path for target in wanted))
    return heard


def _heard(name: str, said: Iterable[tuple[Target, Said]], most: float = MOST) -> Heard:
    """The first findings on changed lines; a rule says the same thing of one line once."""
    grounds: dict[str, Ground] = {}
    found: dict[tuple[str, str, int | None, str], Finding] = {}
    for target, message in said:
        ground = grounds.get(target.path) or grounds.setdefault(target.path, Ground(target))
        item = finding(name, message, ground)
        if item is None:
            continue
        key = (item.path, item.source, item.start_line, item.title)
        if len(found) >= most and key not in found:
            return Heard(tuple(found.values()), unheard=(name,))
        found.setdefault(key, item)
    return Heard(tuple(found.values()))


def _failed(analyzer: Analyzer, how: str) -> Heard:
    return Heard((), notes=(f"{analyzer.name} {how}",), unheard=(analyzer.name,))


async def _ask(
    analyzer: Analyzer, wanted: list[Target], seconds: float, kind: Isolation
) -> list[tuple[Target, Said]]:
    """Write the files under names of ours into a fresh directory, run, read, delete."""
    named = {_name(n, analyzer, target): target for n, target in enumerate(wanted, 1)}
    with tempfile.TemporaryDirectory(prefix="glossator-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        shown = {name: analyzer.shows(target) for name, target in named.items()}
        await asyncio.to_thread(_write, directory, shown)
        done = await run_isolated(
            analyzer.command(list(named)), directory, seconds=seconds, kind=kind
        )
    return [(named[said.file], said) for said in analyzer.read(done.out, named)]


def _name(number: int, analyzer: Analyzer, target: Target) -> str:
    """Programs know a language by the name's end, and most know it in small letters alone."""
    suffix = analyzer.suffix or PurePosixPath(target.path).suffix.lower()
    return f"{number:04d}{suffix if _SUFFIX.fullmatch(suffix) else '.txt'}"


def _write(directory: Path, shown: dict[str, str]) -> None:
    """With our lines as theirs: the number of a line is all that proves where a message belongs."""
    for name, content in shown.items():
        content = _NO_LINE_END.sub(" ", content)
        (directory / name).write_bytes(content.encode("utf-8", "replace"))
