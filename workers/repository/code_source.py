"""A repository to look things up in, cloned at the first look-up: who asks nothing pays nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.look_ups import LookUp, LookUpResult
from bot.domain.model import Scan
from workers.repository.look_ups import CodeLookUps
from workers.repository.repository_files import RepositoryFiles
from workers.scan.repository.clone import Source, clone
from workers.scan.repository.errors import CloneError


@dataclass(slots=True)
class ClonedSource:
    """A CodeSource; its clone lives as long as `stack`."""

    source: Source
    settings: Settings
    config: RepoConfig
    scan: Scan
    protocols: tuple[str, ...] | None
    stack: AsyncExitStack
    _opened: CodeLookUps | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
        try:
            opened = await self._open()
        except CloneError as exc:
            problem = f"not looked up: {exc}"
            return [LookUpResult(look_up=each, problem=problem) for each in look_ups]
        return await opened.answer(look_ups)

    async def _open(self) -> CodeLookUps:
        async with self._opening:
            if self._opened is None:
                repository = await self.stack.enter_async_context(
                    clone(self.source, self.settings, protocols=self.protocols)
                )
                self._opened = CodeLookUps(
                    RepositoryFiles(
                        repository,
                        self.config,
                        self.scan.reviewed_paths,
                        self.scan.masked_lines,
                    )
                )
            return self._opened


@asynccontextmanager
async def code_source(
    source: Source,
    settings: Settings,
    config: RepoConfig,
    scan: Scan,
    *,
    protocols: tuple[str, ...] | None = None,
) -> AsyncIterator[ClonedSource]:
    """Look-ups at the commits of `source`, near to what `scan` read and as redacted. `protocols`
    is for repositories of this machine."""
    async with AsyncExitStack() as stack:
        yield ClonedSource(source, settings, config, scan, protocols, stack)
