"""A repository's configuration: its own over that of its organisation, from base branches only."""

from collections.abc import Awaitable, Callable

from bot.config import repository_config
from bot.config.repository_config import ParsedConfig
from bot.domain.model import Repository
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import GitHubError, NotFound, TooLarge, Transient
from bot.telemetry import log
from workers.services import Services

#: An owner's repository of this name holds what holds for all.
DEFAULTS_REPOSITORY = ".github"

Owners = Callable[[], Awaitable[GitHub | None]]

_log = log.get(__name__)


async def read_config(
    services: Services, gh: GitHub, repository: Repository, base_ref: str
) -> ParsedConfig:
    """As `read_files` has it; the owner's defaults count if the installation may read them."""

    store, installation_id = services.store, repository.installation_id

    async def owners() -> GitHub | None:
        if await store.pulls.defaults_missing(installation_id):
            return None
        try:
            return await services.github.installation(
                installation_id, DEFAULTS_REPOSITORY, {"contents": "read"}
            )
        except NotFound:  # there is no such repository, or the installation may not see it
            await store.pulls.mark_defaults_missing(installation_id)
            return None

    return await read_files(gh, repository.full_name, base_ref, owners)


async def read_files(gh: GitHub, repo: str, base_ref: str, owners: Owners) -> ParsedConfig:
    """The configuration, and a sentence with file and line for each mistake in it.

    It is read from the base branch: a pull request can't choose how it is reviewed. `owners`
    gives the client that reads the owner's defaults, None if there are none. Raises GitHubError.
    """
    own = await _read(gh, repo, base_ref, repository_config.FILE)
    return repository_config.merge(await _shared(repo, owners), own)


async def _shared(repo: str, owners: Owners) -> ParsedConfig:
    owner = repo.partition("/")[0]
    name = f"{owner}/{DEFAULTS_REPOSITORY}"
    if repo.casefold() == name.casefold():
        return ParsedConfig()  # its own configuration is all there is
    try:
        gh = await owners()
        if gh is None:
            return ParsedConfig()
        return await _read(gh, name, "HEAD", f"{name}: {repository_config.FILE}")
    except Transient:  # they may leave out what nobody is to read: to go on without is no way
        raise
    except GitHubError as exc:  # no later try would have them either
        _log.warning("defaults_not_read", owner=owner, why=str(exc))
        return ParsedConfig()


async def _read(gh: GitHub, repo: str, ref: str, file: str) -> ParsedConfig:
    try:
        text = await pulls.get_file(gh, repo, repository_config.FILE, ref)
    except TooLarge:
        return repository_config.too_large(file)
    return repository_config.parse(text or b"", file=file)
