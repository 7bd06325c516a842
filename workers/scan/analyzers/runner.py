"""Run all analyzers over the changed files at once; none can spoil another's evidence."""

import asyncio
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from time import monotonic

from bot.domain.diff import display_path
from bot.domain.model import Finding
from bot.telemetry import tracing
from templates.languages import _
from workers.scan.analyzers.analyzer import (
    MAX_FINDINGS,
    Analyzer,
    Diagnostic,
    Refused,
    Target,
    TextCheck,
)
from workers.scan.analyzers.evidence import ChangedLines, finding, in_our_words
from workers.scan.analyzers.isolation import Isolation, isolation, run_isolated
from workers.scan.analyzers.registry import ANALYZERS, NAMES, unknown_names
from workers.scan.analyzers.secrets import without_secrets
from workers.scan.repository.process import OutputTooLarge, ProcessTimeout

_SUFFIX = re.compile(r"(?:\.d)?\.[A-Za-z0-9]{1,12}")
_DECLARATION = re.compile(r"\.d\.[cm]?ts$")
#: What ends a line for some analysers, as YAML's and JavaScript's, but not for git and GitHub.
_NO_LINE_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_LONE_CR = re.compile("\r(?!\n)")
_CR_ENDS_LINE = frozenset({"python", "javascript", "typescript", "tsx", "json", "yaml"})


#: What an analyzer may come to without being at fault; each costs the files that it was run on.
_FAILURES = (ProcessTimeout, OutputTooLarge, ValueError, KeyError, TypeError, IndexError)
#: Files named in a note.
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class AnalyzerResults:
    """What analyzers said on changed lines, in order of path and line; a sentence for each that
    failed or had more to say than is taken; the names of those that failed, if only on one file,
    and of those that were cut off; and the paths that one that knows their language looked
    through."""

    evidence: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    failed_sources: tuple[str, ...] = ()
    truncated_sources: tuple[str, ...] = ()
    reviewed: frozenset[str] = frozenset()

    def with_others(self, others: "AnalyzerResults") -> "AnalyzerResults":
        """These, and then those of others."""
        return AnalyzerResults(
            self.evidence + others.evidence,
            self.notes + others.notes,
            self.failed_sources + others.failed_sources,
            self.truncated_sources + others.truncated_sources,
            self.reviewed | others.reviewed,
        )


async def run_all(
    targets: Sequence[Target],
    *,
    seconds: float,
    disabled: Iterable[str] = (),
    analyzers: Sequence[Analyzer | TextCheck] = ANALYZERS,
    require_isolation: bool = False,
) -> AnalyzerResults:
    """Run all but the `disabled`, which are given by name; `seconds` is the time of each. Raises
    Refused, but only for analyzers that have a `refusal`.

    With `require_isolation`, programs that this machine can't keep from the network and from the
    server's files are not run, and count as failed.
    """
    off = set(disabled)
    kind = await asyncio.to_thread(isolation)
    if require_isolation and not kind.holds:
        off |= (not_run := await asyncio.to_thread(_programs, analyzers, targets) - off)
    else:
        not_run = set()
    slots = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(analyzer: Analyzer | TextCheck) -> AnalyzerResults:
        match analyzer:
            case Analyzer():
                async with slots:
                    return await _run(analyzer, targets, seconds, kind)
            case TextCheck(name, check):
                return await asyncio.to_thread(
                    lambda: _to_results(name, [(t, found) for t in targets for found in check(t)])
                )

    results = await asyncio.gather(*(one(a) for a in analyzers if a.name not in off))
    found = without_secrets([item for result in results for item in result.evidence])
    found.sort(key=lambda item: (item.path, item.start_line or 0, item.severity.rank, item.source))
    return AnalyzerResults(
        tuple(found),
        notes=(
            *_not_run_note(not_run),
            *(note for result in results for note in result.notes),
        ),
        failed_sources=(
            *sorted(not_run),
            *(name for result in results for name in result.failed_sources),
        ),
        truncated_sources=tuple(name for result in results for name in result.truncated_sources),
        reviewed=frozenset(path for result in results for path in result.reviewed),
    )


def _programs(analyzers: Iterable[Analyzer | TextCheck], targets: Sequence[Target]) -> set[str]:
    """The names of those that are programs and have something to do here."""
    return {
        analyzer.name
        for analyzer in analyzers
        if isinstance(analyzer, Analyzer) and any(map(analyzer.wants, targets))
    }


def unknown_note(disabled: Iterable[str]) -> Iterable[str]:
    """A sentence on the names that a repository disables and nobody knows. The server's setting is
    the operator's to mend: see `workers.scan.analyzers.registry.unknown_names`."""
    if names := unknown_names(disabled):
        yield _(
            "`analyzers.disabled` has unknown names: {names}. The analyzers are {known}.",
            names=", ".join(names),
            known=", ".join(NAMES),
        )


def _not_run_note(names: Collection[str]) -> Iterable[str]:
    if names:
        yield _(
            "{analyzers} did not run: this server cannot isolate analyzers, and "
            "`REQUIRE_ISOLATION` is on (`glossator doctor` shows how to fix it)",
            analyzers=", ".join(sorted(names)),
        )


async def _run(
    analyzer: Analyzer, targets: Sequence[Target], seconds: float, kind: Isolation
) -> AnalyzerResults:
    """Run it on all its files at once; if it fails, on each of them: a file that crashes it must
    not hide what is wrong in the others."""
    # In a thread, as is what it reads: an adapter looks through texts that anybody wrote.
    selected = await asyncio.to_thread(lambda: [*filter(analyzer.wants, targets)])
    if not selected:
        return AnalyzerResults(())
    failed: dict[str, Exception] = {}
    try:
        with tracing.span(f"analyzer {analyzer.name}", {"glossator.files": len(selected)}):
            try:
                output = await _collect(analyzer, selected, seconds, kind)
            except _FAILURES as exc:
                output = []
                if len(selected) == 1:
                    failed[selected[0].path] = exc
                else:
                    output, failed = await _file_by_file(analyzer, selected, seconds, kind)
    except FileNotFoundError:
        return _failed(analyzer, _("is not installed; skipped"))
    if len(failed) == len(selected):
        return _failed(analyzer, _why(next(iter(failed.values())), seconds))
    outcome = _to_results(analyzer.name, output, analyzer.max_findings)
    if failed:
        outcome = replace(
            outcome,
            notes=(*_partly_failed(analyzer, failed), *outcome.notes),
            failed_sources=(analyzer.name,),
        )
    if analyzer.reviews:
        read = frozenset(target.path for target in selected) - failed.keys()
        return replace(outcome, reviewed=read)
    return outcome


async def _file_by_file(
    analyzer: Analyzer, selected: Sequence[Target], seconds: float, kind: Isolation
) -> tuple[list[tuple[Target, Diagnostic]], dict[str, Exception]]:
    """What it says of each file alone, and on which it fails. All together get `seconds`, and one
    file a quarter of that at most, so that a few slow ones leave time for the rest."""
    output: list[tuple[Target, Diagnostic]] = []
    failed: dict[str, Exception] = {}
    end = monotonic() + seconds
    for target in selected:
        left = end - monotonic()
        try:
            if left <= 0:
                raise ProcessTimeout
            output += await _collect(analyzer, [target], min(left, seconds / 4), kind)
        except _FAILURES as exc:
            failed[target.path] = exc
    return output, failed


def _partly_failed(analyzer: Analyzer, failed: Mapping[str, Exception]) -> Iterable[str]:
    slow = [path for path, why in failed.items() if isinstance(why, ProcessTimeout)]
    others = [path for path in failed if path not in slow]
    name = analyzer.name
    if slow:
        yield _(
            "{analyzer} took too long on {paths}; skipped there", analyzer=name, paths=_named(slow)
        )
    if others:
        yield _("{analyzer} failed on {paths}; skipped there", analyzer=name, paths=_named(others))


def _why(failure: Exception, seconds: float) -> str:
    match failure:
        case ProcessTimeout():
            return _("took longer than {seconds} seconds; skipped", seconds=round(seconds))
        case OutputTooLarge():
            return _("reported too many findings to show; skipped")
        case _:
            return _("failed; skipped")


def _named(paths: Sequence[str]) -> str:
    names = ", ".join(f"`{display_path(path)}`" for path in paths[:_MAX_NAMED])
    more = len(paths) - _MAX_NAMED
    return f"{names} and {more} more files" if more > 0 else names


def _to_results(
    name: str, output: Iterable[tuple[Target, Diagnostic]], max_findings: float = MAX_FINDINGS
) -> AnalyzerResults:
    """The most severe findings on changed lines; a rule says the same thing of one line once."""
    changed_lines_by_path: dict[str, ChangedLines] = {}
    found: dict[tuple[str, str, int | None, str], Finding] = {}
    messages = [(target, in_our_words(name, message)) for target, message in output]
    for target, message in sorted(messages, key=lambda item: item[1].severity.rank):
        changed_lines = changed_lines_by_path.get(target.path) or changed_lines_by_path.setdefault(
            target.path, ChangedLines(target)
        )
        item = finding(name, message, changed_lines)
        if item is None:
            continue
        key = (item.path, item.source, item.start_line, item.title)
        if len(found) >= max_findings and key not in found:
            return AnalyzerResults(
                tuple(found.values()),
                notes=(
                    f"{name} reported more than {max_findings} findings; the rest is not shown",
                ),
                truncated_sources=(name,),
            )
        found.setdefault(key, item)
    return AnalyzerResults(tuple(found.values()))


def _failed(analyzer: Analyzer, how: str) -> AnalyzerResults:
    return AnalyzerResults((), notes=(f"{analyzer.name} {how}",), failed_sources=(analyzer.name,))


async def _collect(
    analyzer: Analyzer, selected: list[Target], seconds: float, kind: Isolation
) -> list[tuple[Target, Diagnostic]]:
    """Write the files under names of ours into a fresh directory, run, read, delete."""
    by_name = {_name(n, analyzer, target): target for n, target in enumerate(selected, 1)}
    with tempfile.TemporaryDirectory(prefix="glossator-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        lines = {name: _Lines(target) for name, target in by_name.items()}
        as_written = {name: replace(by_name[name], text=lines[name].text) for name in by_name}
        await asyncio.to_thread(_write, directory, as_written)
        done = await run_isolated(
            analyzer.command(as_written), directory, seconds=seconds, kind=kind
        )
    if done.code and analyzer.refusal and (why := analyzer.refusal(done.err)):
        raise Refused(why)

    def read() -> list[tuple[Target, Diagnostic]]:
        return [
            (by_name[output.file], lines[output.file].placed(output))
            for output in analyzer.read(done.out, as_written)
        ]

    return await asyncio.to_thread(read)


class _Lines:
    """A file as an analyzer gets it, with our lines as theirs: the number of a line is all that
    proves where a message belongs. What ends a line for them alone is a space, but where it is a
    carriage return that the language itself takes for a line end: there it is one, and the lines
    are counted back."""

    def __init__(self, target: Target) -> None:
        self._numbers: list[int] | None = None
        text = target.text
        if target.language in _CR_ENDS_LINE and _LONE_CR.search(text):
            pieces = [line.removesuffix("\r").count("\r") + 1 for line in text.split("\n")]
            self._numbers = [n for n, count in enumerate(pieces, 1) for _ in range(count)]
            text = _LONE_CR.sub("\n", text)
        self.text = _NO_LINE_END.sub(" ", text)

    def placed(self, output: Diagnostic) -> Diagnostic:
        """The message under the numbers of our lines."""
        if self._numbers is None:
            return output
        first, last = (
            self._numbers[min(max(line, 1), len(self._numbers)) - 1]
            for line in (output.line, output.end_line)
        )
        return replace(output, line=first, end_line=last)


def _name(number: int, analyzer: Analyzer, target: Target) -> str:
    """Programs know a language by the name's end, and most know it in small letters alone."""
    path = target.path.lower()
    declares = _DECLARATION.search(path)  # functions without a body are no error there
    suffix = analyzer.suffix or (declares[0] if declares else PurePosixPath(path).suffix)
    return f"{number:04d}{suffix if _SUFFIX.fullmatch(suffix) else '.txt'}"


def _write(directory: Path, targets: Mapping[str, Target]) -> None:
    for name, target in targets.items():
        (directory / name).write_bytes(target.text.encode("utf-8", "replace"))
