"""Which labels a pull request gets and loses: only those that its repository names (pure)."""

from collections.abc import Sequence

from bot.config.repository_config import LabelRule, RepoConfig
from bot.domain.model import Report
from bot.text import globs


def labels_to_change(config: RepoConfig, report: Report) -> tuple[list[str], list[str]]:
    """The labels to add, and those to remove, so that of the named ones it has those that fit.
    Of `/review` with a category nothing is learned of the others: it removes none."""
    present = {label.casefold() for label in report.pull.labels}
    fitting = [rule.name for rule in config.labels if _fits(rule, report)]
    fits = {name.casefold() for name in fitting}
    others = [rule.name for rule in config.labels if rule.name.casefold() not in fits]
    stale = [] if report.review.focus else [name for name in others if name.casefold() in present]
    return [name for name in fitting if name.casefold() not in present], stale


def _fits(rule: LabelRule, report: Report) -> bool:
    paths: Sequence[str] = [file.path for file in report.files]
    least = rule.severity.rank if rule.severity is not None else -1
    return any(globs.any_matches(rule.paths, path) for path in paths) or any(
        finding.category in rule.categories or finding.severity.rank <= least
        for finding in report.findings
    )
