"""Every static analyzer, a line each: whatever else needs the list takes it from here."""

from collections.abc import Iterable

from workers.scan.analyzers.analyzer import Analyzer, TextCheck
from workers.scan.analyzers.data_files import DATA
from workers.scan.analyzers.hadolint import HADOLINT
from workers.scan.analyzers.oxlint import OXLINT
from workers.scan.analyzers.ruff import RUFF
from workers.scan.analyzers.secrets import SECRETS
from workers.scan.analyzers.shellcheck import SHELLCHECK
from workers.scan.analyzers.squawk import SQUAWK
from workers.scan.analyzers.text_checks import HIDDEN, MERGE
from workers.scan.analyzers.zizmor import ZIZMOR

#: In this order their notes are told. Each is imported above: that is the one line of a new one.
ANALYZERS: tuple[Analyzer | TextCheck, ...] = (
    RUFF,
    SECRETS,
    SHELLCHECK,
    HADOLINT,
    ZIZMOR,
    OXLINT,
    SQUAWK,
    DATA,
    HIDDEN,
    MERGE,
)

#: For a repository's own rules.
AST_GREP = "ast-grep"

#: What may stand in ANALYZERS_DISABLED and in `analyzers.disabled` of a repository.
#: The last need more than the changed files: the whole clone, and GitHub.
NAMES = (*(each.name for each in ANALYZERS), AST_GREP, "leftovers", "dependencies")


def unknown_names(disabled: Iterable[str]) -> list[str]:
    """Those that are no analyzer's name."""
    return sorted({*disabled} - {*NAMES})
