"""What the start of a review hands on to its steps."""

from bot.config.repository_config import RepoConfig
from bot.domain.model import PullRequest, decode


def read_handoff(fields: dict[str, str]) -> tuple[PullRequest, RepoConfig]:
    """The pull request and the configuration as they were when the review was opened."""
    return decode(PullRequest, fields["pull"]), decode(RepoConfig, fields["config"])
