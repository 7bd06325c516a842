"""Findings on packages that a change adds: known vulnerabilities, and licenses that the repository
does not want.

What GitHub says of the packages is asked elsewhere; here it is put on the lines of manifests and
lock files. A package is one finding, however many of them name it.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.config.repository_config import RepoConfig
from bot.domain.diff import ChangedFile, Side, display_path, is_printable
from bot.domain.fingerprint import fingerprint
from bot.domain.model import (
    DEPENDENCIES_SOURCE,
    Advisory,
    Category,
    DependencyChange,
    Finding,
    Severity,
    is_rule_page,
)
from bot.text.languages import name_and_suffix
from bot.text.licenses import allows, is_known
from templates.languages import _, ngettext
from workers.scan.analyzers.analyzer import Target
from workers.scan.repository.clone import Clone
from workers.scan.repository.errors import CloneError
from workers.scan.selection.file_filters import LOCK_FILES
from workers.scan.selection.file_selection import FileSelection
from workers.scan.selection.manifests import declared, is_manifest
from workers.scan.unread_files import targets_of

#: Packages of one change that are reported.
MAX_PACKAGES = 50
#: Named in a note.
_MAX_NAMED = 5
#: Lines above that of a version in which a lock file names its package.
_NAME_ABOVE = 6


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What GitHub says of the packages that change; None where it said nothing, and then `why`, ""
    if the repository does not have the dependency review. With `read_diff`, the lines of manifests
    are to be read in its place."""

    changes: tuple[DependencyChange, ...] | None = None
    why: str = ""
    read_diff: bool = False


#: Asks GitHub, and raises nothing.
AskDependencies = Callable[[], Awaitable[Dependencies]]


@dataclass(frozen=True, slots=True)
class DependencyResults:
    """`failed` and `truncated` name us where nothing, or not all, is known."""

    findings: tuple[Finding, ...] = ()
    changes: tuple[DependencyChange, ...] | None = None
    declared: tuple[DependencyChange, ...] = ()
    notes: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()


async def check_dependencies(
    clone: Clone, selection: FileSelection, config: RepoConfig, ask: AskDependencies | None
) -> DependencyResults:
    """What there is to say of the packages that the change adds; nobody is asked where it touches
    no manifest, or only those that the repository leaves out."""
    if ask is None or not await asyncio.to_thread(_changes_manifest, selection):
        return DependencyResults()
    answer = await ask()
    if answer.changes is None:
        none = _not_checked(answer.why) if answer.why else DependencyResults()
        return replace(none, declared=declared(selection)) if answer.read_diff else none
    changes = tuple(each for each in answer.changes if not selection.rules.excludes(each.manifest))
    packages = _packages(changes, config)
    try:
        targets = await _targets(clone, selection, [p.manifests for p in packages[:MAX_PACKAGES]])
    except CloneError as exc:
        return _not_checked(str(exc))
    notes = [*_unknown_licenses(changes, config)]
    if truncated := (DEPENDENCIES_SOURCE,) if len(packages) > MAX_PACKAGES else ():
        notes.append(
            _(
                "Only {number} of {all} dependencies with a problem are reported.",
                number=MAX_PACKAGES,
                all=len(packages),
            )
        )
    findings = tuple(_finding(package, targets) for package in packages[:MAX_PACKAGES])
    return DependencyResults(findings, changes, notes=tuple(notes), truncated=truncated)


def _not_checked(why: str) -> DependencyResults:
    note = _("New dependencies were not checked: {why}", why=why)
    return DependencyResults(notes=(note,), failed=(DEPENDENCIES_SOURCE,))


def _changes_manifest(selection: FileSelection) -> bool:
    paths = (file.path for file in selection.files if is_manifest(file.path))
    return any(not selection.rules.excludes(path) for path in paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """A package that is to be reported, for its advisories, the gravest first, or its license."""

    name: str
    versions: tuple[str, ...]
    manifests: tuple[str, ...]
    advisories: tuple[Advisory, ...] = ()
    license: str = ""

    @property
    def severity(self) -> Severity:
        return self.advisories[0].severity if self.advisories else Severity.HIGH


def _packages(changes: Iterable[DependencyChange], config: RepoConfig) -> list[_Package]:
    """The most severe first."""
    added: defaultdict[tuple[str, str], list[DependencyChange]] = defaultdict(list)
    for change in changes:
        if change.added:
            added[change.ecosystem, change.name].append(change)
    found = [each for same in added.values() for each in _problems(same, config)]
    return sorted(found, key=lambda package: (package.severity.rank, package.name))


def _problems(same: Sequence[DependencyChange], config: RepoConfig) -> Iterable[_Package]:
    """What is wrong with one package, in any of the versions and manifests."""
    least = config.dependencies_min_severity.rank
    known = {
        advisory.id: advisory
        for change in same
        for advisory in change.advisories
        if config.dependencies_advisories and advisory.severity.rank <= least
    }
    if known:
        gravest = sorted(known.values(), key=lambda each: (each.severity.rank, each.id))
        having = [c for c in same if any(each.id in known for each in c.advisories)]
        yield _package(having, advisories=tuple(gravest))
    unwanted = [change for change in same if not _is_allowed(change.license, config)]
    if unwanted:
        yield _package(unwanted, license=unwanted[0].license)


def _package(
    same: Sequence[DependencyChange], *, advisories: tuple[Advisory, ...] = (), license: str = ""
) -> _Package:
    return _Package(
        name=same[0].name,
        versions=tuple(dict.fromkeys(change.version for change in same)),
        manifests=tuple(dict.fromkeys(change.manifest for change in same)),
        advisories=advisories,
        license=license,
    )


def _is_allowed(license: str, config: RepoConfig) -> bool:
    """One that is not known is for a note."""
    allowed, denied = config.dependencies_licenses_allow, config.dependencies_licenses_deny
    return not is_known(license) or allows(license, allowed, denied)


def _unknown_licenses(changes: Iterable[DependencyChange], config: RepoConfig) -> Iterable[str]:
    if not config.dependencies_licenses_allow:
        return
    unknown = (each.name for each in changes if each.added and not is_known(each.license))
    if names := sorted(set(unknown)):
        shown = ", ".join(f"`{name.replace('`', '')}`" for name in names[:_MAX_NAMED])
        yield ngettext(
            "GitHub does not know the license of {number} new dependency: {names}",
            "GitHub does not know the license of {number} new dependencies: {names}",
            len(names),
            names=shown if len(names) <= _MAX_NAMED else f"{shown}, …",
        )


async def _targets(
    clone: Clone, selection: FileSelection, wanted: Iterable[Collection[str]]
) -> Mapping[str, Target]:
    """The manifests that are to be pointed at, by path, as far as they can be read."""
    paths = {path for manifests in wanted for path in manifests}
    found = {target.path: target for target in selection.targets if target.path in paths}
    others: list[ChangedFile] = [
        file for file in selection.unread if file.path in paths and file.path not in found
    ]
    if others:
        read, _paths = await targets_of(clone, others)
        found |= {target.path: target for target in read}
    return found


def _finding(package: _Package, targets: Mapping[str, Target]) -> Finding:
    """The finding, on the line of a manifest if there is one, else of a lock file."""
    at: list[tuple[bool, str, int, str]] = []
    for path in package.manifests:
        if (target := targets.get(path)) and (found := _line(target, package)):
            at.append((name_and_suffix(path)[0] in LOCK_FILES, path, *found))
    line: int | None = None
    path, quote = package.manifests[0], ""
    if at:
        _is_lock, path, line, quote = min(at)
    identity = " ".join((package.name, package.license, *(each.id for each in package.advisories)))
    rule = package.advisories[0].id if package.advisories else "license"
    source = f"{DEPENDENCIES_SOURCE}:{re.sub('[^A-Za-z0-9-]', '', rule)}"
    page = f"https://github.com/advisories/{rule}"
    plain = is_printable(path)
    return Finding(
        path=path if plain else display_path(path),
        category=Category.SECURITY if package.advisories else Category.MAINTAINABILITY,
        severity=package.severity,
        title=_title(package),
        body=_body(package, path),
        confidence=1.0,
        source=source,
        quote=quote,
        side=Side.RIGHT,
        start_line=line if plain else None,
        end_line=line if plain else None,
        fingerprint=fingerprint(path, source, identity),
        url=page if package.advisories and is_rule_page(page) else "",
    )


def _title(package: _Package) -> str:
    named = f"{package.name} {', '.join(package.versions[:3])}".strip()[:150]
    if not package.advisories:
        return _("{package} has the license {license}", package=named, license=package.license)
    if len(package.advisories) == 1:
        summary = package.advisories[0].summary
        return _("{package} is vulnerable: {summary}", package=named, summary=summary)[:300]
    return ngettext(
        "{package} has {number} known vulnerability",
        "{package} has {number} known vulnerabilities",
        len(package.advisories),
        package=named,
    )


def _body(package: _Package, path: str) -> str:
    lines = [_advisory_line(each) for each in package.advisories[:10]]
    if rest := len(package.advisories) - len(lines):
        lines.append("- " + _("…and {number} more", number=rest))
    if not package.advisories:
        lines.append(_("This repository's configuration does not allow it for dependencies."))
    if others := [f"`{display_path(other)}`" for other in package.manifests if other != path]:
        lines += ["", _("It is also in {files}.", files=", ".join(others[:_MAX_NAMED]))]
    return "\n".join(lines)


def _advisory_line(advisory: Advisory) -> str:
    severity = _(str(advisory.severity))
    line = f"- {advisory.id} ({severity}): {advisory.summary.rstrip('.')}."
    if not advisory.fixed:
        return line
    return f"{line} {_('Fixed in {versions}.', versions=', '.join(advisory.fixed[:4]))}"


def _line(target: Target, package: _Package) -> tuple[int, str] | None:
    """The first line that the change adds and that names the package and a version of it, the
    version below the name, or the name alone; with its text."""
    lines = target.text.split("\n")
    name = _word(package.name.rpartition(":")[2])  # Maven's group has a line of its own
    versions = (_word(each.removeprefix("v")).pattern for each in package.versions if each)
    version = re.compile("|".join(versions) or "$^")
    best: tuple[int, int] | None = None
    for number in target.file.added_lines:
        text = _folded(lines[number - 1]) if number <= len(lines) else ""
        has_name, has_version = name.search(text), version.search(text)
        if has_name and has_version:
            rank = 0
        elif has_version and _is_named_above(lines, number, name):
            rank = 1
        elif has_name:
            rank = 2
        else:
            continue
        best = min(best or (rank, number), (rank, number))
        if rank == 0:
            break
    return (best[1], lines[best[1] - 1].removesuffix("\r")) if best else None


def _is_named_above(lines: Sequence[str], number: int, name: re.Pattern[str]) -> bool:
    above = lines[max(0, number - 1 - _NAME_ABOVE) : number - 1]
    return any(name.search(_folded(line)) for line in above)


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9-])v?{re.escape(_folded(text))}(?![a-z0-9-])")


def _folded(text: str) -> str:
    """As registries compare names: small letters, and hyphens for dots and underscores."""
    return re.sub(r"[-_.]+", "-", text[:500].lower())
