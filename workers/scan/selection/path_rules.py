"""Which paths a repository's own patterns leave out, decided in bounded time (pure).

Whoever may write to a repository chooses its patterns and its paths. Together they may take no
more than `MATCH_SECONDS` of a review; what is not decided by then is left out, and said so.
"""

from bot.config.repository_config import RepoConfig
from bot.domain.reasons import FileSkipReason
from bot.text.globs import PatternSet
from workers.scan.selection.gitattributes import Attributes

#: Processor time of one review for all paths against all patterns.
MATCH_SECONDS = 10.0


class PathRules:
    """The patterns of `.github/glossator.yml` and `.gitattributes`. Not for two threads at once."""

    def __init__(
        self, config: RepoConfig, attributes: Attributes, seconds: float = MATCH_SECONDS
    ) -> None:
        self._include = PatternSet(config.paths_include) if config.paths_include else None
        self._exclude = PatternSet(config.paths_exclude)
        self._attributes = attributes
        self._seconds_left = seconds

    def configured(self, path: str) -> FileSkipReason | None:
        """Why the configuration leaves out the path, or None."""
        for patterns in (self._include, self._exclude):
            if patterns is not None and not self._may_spend(patterns.cost(path)):
                return FileSkipReason.UNDECIDED
        if self._include is not None and not self._include.matches(path):
            return FileSkipReason.NOT_INCLUDED
        if self._exclude.matches(path):
            return FileSkipReason.EXCLUDED
        return None

    def excludes(self, path: str) -> bool:
        """Whether the path may not be shown, not even as context of another."""
        return not self._may_spend(self._exclude.cost(path)) or self._exclude.matches(path)

    def attributed(self, path: str) -> FileSkipReason | None:
        """Why the attributes leave out the path, or None."""
        if not self._may_spend(self._attributes.cost(path)):
            return FileSkipReason.UNDECIDED
        return self._attributes.reason(path)

    def _may_spend(self, seconds: float) -> bool:
        self._seconds_left -= seconds
        return self._seconds_left >= 0
