"""The scan step: from a source to evidence and batches, without a Redis or a GitHub."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bot.fingerprint import fingerprint
from bot.model import Batch, BatchFile, Brief, Category, Finding, LeftOut, PullRequest, Scan
from bot.repo_config import RepoConfig
from bot.settings import Settings
from workers.scan.analyzers.model import Target
from workers.scan.analyzers.run import run_all
from workers.scan.batches import CONTEXT_SHARE, DIFF_SHARE, pack, split
from workers.scan.choose import Chosen, choose
from workers.scan.clone import Clone, Source, clone
from workers.scan.context import relatives, text_of, with_context
from workers.scan.snippets import Text

Report = Callable[[int, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scanned:
    scan: Scan
    batches: tuple[Batch, ...]


async def scan(
    source: Source,
    pull: PullRequest,
    brief: Brief,
    settings: Settings,
    config: RepoConfig,
    *,
    focus: Category | None,
    on_progress: Report,
    protocols: tuple[str, ...] | None = None,
) -> Scanned:
    """Clone, diff, choose, analyse, gather context, cut batches.

    `on_progress` gets percent (5..20) and a text for people. There are no batches when
    no LLM is configured. `protocols` is for tests. Raises CloneError.
    """
    await on_progress(5, "Cloning the repository")
    async with clone(source, settings, protocols=protocols) as repository:
        await on_progress(8, "Reading the change")
        chosen = await choose(repository, settings, config)
        await on_progress(11, f"Running analysers on {len(chosen.targets)} files")
        async with asyncio.TaskGroup() as group:  # both only wait for other processes
            analysed = group.create_task(
                run_all(
                    chosen.targets,
                    seconds=settings.analyzer_seconds,
                    disabled=config.analyzers_disabled,
                )
            )
            others = group.create_task(_relatives(repository, chosen, settings))
    found, notes = analysed.result()
    evidence = _finished(found, focus)
    await on_progress(17, f"Analysers told of {len(evidence)} things; packing the batches")
    batches, uncut = await asyncio.to_thread(_batches, chosen, evidence, others.result(), settings)
    await on_progress(20, f"Read {len(chosen.targets)} files of {len(chosen.files)}")
    result = Scan(
        merge_base=source.merge_base,
        brief=brief,
        files=chosen.files,
        left_out=chosen.left_out + uncut,
        evidence=evidence,
        notes=notes,
    )
    return Scanned(result, batches)


def _finished(evidence: Iterable[Finding], focus: Category | None) -> tuple[Finding, ...]:
    return tuple(
        replace(item, fingerprint=fingerprint(item.path, item.source, item.quote))
        for item in evidence
        if focus is None or item.category is focus
    )


async def _relatives(
    repository: Clone, chosen: Chosen, settings: Settings
) -> dict[str, tuple[Text, ...]]:
    if not settings.has_llm:
        return {}
    return await relatives(repository, chosen.targets, chosen.tree)


def _batches(
    chosen: Chosen,
    evidence: tuple[Finding, ...],
    others: Mapping[str, tuple[Text, ...]],
    settings: Settings,
) -> tuple[tuple[Batch, ...], tuple[LeftOut, ...]]:
    if not settings.has_llm:
        return (), ()
    diff_budget = int(settings.llm_context_tokens * DIFF_SHARE)
    own = {target.path: text_of(target.path, target.text) for target in chosen.targets}
    parts: list[BatchFile] = []
    left_out: list[LeftOut] = []
    for target in chosen.targets:
        file = _batch_file(target, evidence)
        pieces, uncut = split(file, diff_budget, own[target.path].outline)
        parts += pieces
        left_out += uncut
    context_budget = int(settings.llm_context_tokens * CONTEXT_SHARE)
    batches = pack(parts, diff_budget, settings.batch_files)
    return tuple(with_context(b, own, others, context_budget) for b in batches), tuple(left_out)


def _batch_file(target: Target, evidence: tuple[Finding, ...]) -> BatchFile:
    return BatchFile(
        file=target.file,
        language=target.language,
        content=target.text,
        evidence=tuple(item for item in evidence if item.path == target.path),
    )
