"""A repository's configuration: its own over that of its organisation, from base branches only."""

from bot import log, repo_config
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import GitHubError
from bot.model import Repository
from bot.repo_config import ParsedConfig, RepoConfig
from workers.services import Services

#: An owner's repository of this name holds what holds for all.
DEFAULTS_REPOSITORY = ".github"

_log = log.get(__name__)


async def read_config(
    services: Services, gh: GitHub, repository: Repository, base_ref: str
) -> tuple[RepoConfig, tuple[str, ...]]:
    """The configuration, and a sentence with file and line for each mistake in it.

    It is read from the base branch: a pull request can't choose how it is reviewed.
    """
    own = await _read(gh, repository.full_name, base_ref, repo_config.FILE)
    shared = await _shared(services, repository)
    merged = repo_config.merge(shared, own)
    return merged.config, merged.complaints


async def _shared(services: Services, repository: Repository) -> ParsedConfig:
    """The owner's defaults, if the installation may read them."""
    owner = repository.full_name.partition("/")[0]
    name = f"{owner}/{DEFAULTS_REPOSITORY}"
    if repository.full_name.casefold() == name.casefold():
        return ParsedConfig()  # its own configuration is all there is
    try:
        gh = await services.github.installation(
            repository.installation_id, None, {"contents": "read"}
        )
        return await _read(gh, name, "HEAD", f"{name}: {repo_config.FILE}")
    except GitHubError as exc:  # defaults are a convenience; a review does not wait for them
        _log.warning("defaults_not_read", owner=owner, why=str(exc))
        return ParsedConfig()


async def _read(gh: GitHub, repo: str, ref: str, file: str) -> ParsedConfig:
    text = await pulls.get_file(gh, repo, repo_config.FILE, ref)
    return repo_config.parse(text or b"", file=file)
