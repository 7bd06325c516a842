"""The report of a dependency bot's pull request: what becomes of each package, and what else it
changes (pure)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import (
    LLM_SOURCE,
    Advisory,
    DependencyChange,
    DependencyUpdate,
    Report,
    Scan,
    UpdateSummary,
)
from bot.domain.reasons import FileSkipReason
from bot.policy.precedence import effective
from templates.languages import _, ngettext
from workers.reports.verdict import conclusion


def as_update_report(report: Report, scan: Scan, settings: Settings, config: RepoConfig) -> Report:
    """The report in short: no comment on a line, no list of what was left out for being a lock
    file, and not complete where packages are not known, or something else is changed, for nobody
    reads that."""
    summary = _summary(report, scan)
    failed = bool(scan.failed_sources or summary.others or not summary.updates)
    rules = effective(settings, config)
    return replace(
        report,
        verdict=_verdict(summary),
        conclusion="failure"
        if failed and rules.fail_incomplete
        else conclusion(report.findings, rules.fail_on, complete=not failed),
        inline=(),
        skipped=tuple(item for item in report.skipped if item.reason not in _USUAL),
        failed_sources=tuple(dict.fromkeys((*report.failed_sources, LLM_SOURCE))),
        complete=not failed,
        update_summary=summary,
    )


#: Why files of such a pull request are not read, which is no news.
_USUAL = (FileSkipReason.LOCK_FILE, FileSkipReason.SECRETS_ONLY)


def _summary(report: Report, scan: Scan) -> UpdateSummary:
    from_diff = scan.dependencies is None
    changes = scan.declared if scan.dependencies is None else scan.dependencies
    return UpdateSummary(
        author=report.pull.author,
        updates=_updates(changes),
        others=scan.unrelated_paths,
        from_diff=from_diff,
    )


def _updates(changes: Iterable[DependencyChange]) -> tuple[DependencyUpdate, ...]:
    """One for each package: those with new vulnerabilities first, then those that fix some."""
    packages: defaultdict[tuple[str, str], list[DependencyChange]] = defaultdict(list)
    for change in changes:
        packages[change.ecosystem, change.name].append(change)
    found = (_update(same) for same in packages.values())
    real = [each for each in found if each.before != each.after or each.new or each.fixed]
    return tuple(sorted(real, key=lambda each: (not each.new, not each.fixed, each.name)))


def _update(same: Sequence[DependencyChange]) -> DependencyUpdate:
    removed = [change for change in same if not change.added]
    added = [change for change in same if change.added]
    return DependencyUpdate(
        name=same[0].name,
        ecosystem=same[0].ecosystem,
        manifests=_unique(change.manifest for change in same),
        before=_unique(change.version for change in removed),
        after=_unique(change.version for change in added),
        licenses_before=_unique(change.license for change in removed),
        licenses_after=_unique(change.license for change in added),
        fixed=_without(removed, added),
        new=_without(added, removed),
    )


def _without(
    ours: Iterable[DependencyChange], theirs: Iterable[DependencyChange]
) -> tuple[Advisory, ...]:
    """The advisories on some of ours and none of theirs, the gravest first."""
    other = {advisory.id for change in theirs for advisory in change.advisories}
    own = {each.id: each for change in ours for each in change.advisories if each.id not in other}
    return tuple(sorted(own.values(), key=lambda each: (each.severity.rank, each.id)))


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(filter(None, texts))))


def _verdict(summary: UpdateSummary) -> str:
    if not summary.updates:
        return _("Which dependencies this pull request changes is not known.")
    said = [
        ngettext(
            "{author} changes {number} dependency.",
            "{author} changes {number} dependencies.",
            len(summary.updates),
            author=summary.author,
        )
    ]
    fixed = {advisory.id for update in summary.updates for advisory in update.fixed}
    new = {advisory.id for update in summary.updates for advisory in update.new}
    if fixed:
        said.append(
            ngettext(
                "It fixes {number} known vulnerability.",
                "It fixes {number} known vulnerabilities.",
                len(fixed),
            )
        )
    if new:
        said.append(
            ngettext(
                "It brings {number} known vulnerability.",
                "It brings {number} known vulnerabilities.",
                len(new),
            )
        )
    if summary.from_diff:
        said.append(_("GitHub did not tell which vulnerabilities it fixes or brings."))
    if summary.others:
        said.append(
            ngettext(
                "{number} other file was not reviewed.",
                "{number} other files were not reviewed.",
                len(summary.others),
            )
        )
    return " ".join(said)
