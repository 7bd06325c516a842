"""The scan step: from a source to evidence and batches, without a Redis or a GitHub."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.config.prompt_shares import shares
from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.fingerprint import fingerprint
from bot.domain.model import (
    Batch,
    BatchFile,
    Brief,
    Category,
    Finding,
    LeftOut,
    PullRequest,
    Scan,
    Snippet,
)
from bot.policy.criteria import Wanted, wanted
from workers.scan.analyzers.analyzer import Target
from workers.scan.analyzers.runner import run_all
from workers.scan.batches import pack, split, with_less_evidence
from workers.scan.context.context import relatives, text_of, with_context
from workers.scan.context.snippets import Text, snippets
from workers.scan.redaction import redact_brief, redact_scan, redact_texts
from workers.scan.repository.clone import Clone, Source, clone
from workers.scan.repository.errors import CloneError
from workers.scan.selection.file_selection import Chosen, choose

Report = Callable[[int, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scanned:
    """`kept` are the keys of the readings that were known, and so are in no batch."""

    scan: Scan
    batches: tuple[Batch, ...]
    kept: tuple[str, ...] = ()


async def scan(
    source: Source,
    pull: PullRequest,
    brief: Brief,
    settings: Settings,
    config: RepoConfig,
    *,
    focus: Category | None,
    on_progress: Report,
    known: Container[str] = (),
    protocols: tuple[str, ...] | None = None,
) -> Scanned:
    """Clone, diff, choose, analyse, gather context, cut batches.

    What is returned shows no secret that is known by its form, or that an analyser found.
    `on_progress` gets percent (5..20) and a text for people. There are no batches when
    no LLM is configured, and `known` readings are in none. `protocols` is for repositories
    of this machine. Raises CloneError.
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
                    disabled={*settings.analyzers_disabled, *config.analyzers_disabled},
                )
            )
            read = group.create_task(_relatives(repository, chosen, settings, config))
    heard, (others, more_notes) = analysed.result(), read.result()
    hidden = await asyncio.to_thread(redact_scan, chosen.targets, heard.evidence)
    chosen = replace(chosen, targets=hidden.targets)
    others = await asyncio.to_thread(redact_texts, others, hidden.targets)
    own = await asyncio.to_thread(_own, chosen.targets if settings.has_llm else ())
    looked_for = wanted(settings, config, focus)
    evidence = _finished(hidden.evidence, looked_for)
    await on_progress(17, f"Analysers told of {len(evidence)} things; packing the batches")
    parts, uncut = await asyncio.to_thread(
        _parts, chosen, own, evidence, others, settings, _asked(settings, config, looked_for)
    )
    new = [part for part in parts if part.key not in known]
    batches = await asyncio.to_thread(_batches, new, own, others, settings)
    await on_progress(20, f"Read {len(chosen.targets)} files of {len(chosen.files)}")
    result = Scan(
        merge_base=source.merge_base,
        brief=redact_brief(brief),
        files=chosen.files,
        left_out=chosen.left_out + uncut + _unknown(chosen, heard.reviewed, settings),
        evidence=evidence,
        notes=heard.notes + more_notes,
        readings=tuple(part.key for part in parts),
        read=tuple(target.path for target in chosen.targets),
        analysed=tuple(sorted(heard.reviewed)),
        unnamed=chosen.unnamed,
        unheard=heard.unheard,
    )
    return Scanned(result, batches, tuple(part.key for part in parts if part.key in known))


def _unknown(chosen: Chosen, analysed: Container[str], settings: Settings) -> tuple[LeftOut, ...]:
    """What nobody understands where there are analysers alone."""
    if settings.has_llm:
        return ()
    reason = "only looked through for secrets: no analyser knows it, and no LLM is configured"
    return tuple(
        LeftOut(target.path, reason) for target in chosen.targets if target.path not in analysed
    )


def _asked(settings: Settings, config: RepoConfig, looked_for: Wanted) -> str:
    """What else an answer, and what was kept of it, depends on, beside the code that is read."""
    return repr((settings.llm_model, config.instructions, looked_for))


def _finished(evidence: Iterable[Finding], looked_for: Wanted) -> tuple[Finding, ...]:
    return tuple(
        replace(item, fingerprint=fingerprint(item.path, item.source, item.quote))
        for item in evidence
        if item.category in looked_for.categories
    )


async def _relatives(
    repository: Clone, chosen: Chosen, settings: Settings, config: RepoConfig
) -> tuple[dict[str, tuple[Text, ...]], tuple[str, ...]]:
    """A review without context is better than none: a failure is a note."""
    if not settings.has_llm:
        return {}, ()
    try:
        return await relatives(repository, chosen, config)
    except CloneError as exc:
        return {}, (f"Other files of the repository were not read for context: {exc}",)


def _own(targets: Iterable[Target]) -> dict[str, Text]:
    return {target.path: text_of(target.path, target.text) for target in targets}


def _parts(
    chosen: Chosen,
    own: Mapping[str, Text],
    evidence: tuple[Finding, ...],
    others: Mapping[str, tuple[Text, ...]],
    settings: Settings,
    asked: str,
) -> tuple[list[BatchFile], tuple[LeftOut, ...]]:
    """All that is to be read, in parts that fit a prompt, each under its key."""
    if not settings.has_llm:
        return [], ()
    diff_budget = shares(settings.llm_context_tokens).change
    parts: list[BatchFile] = []
    left_out: list[LeftOut] = []
    for target in chosen.targets:
        text = own[target.path]
        pieces, uncut = split(_batch_file(target, evidence), diff_budget, text.outline)
        for piece in pieces:
            around = snippets(piece.file, text, others.get(target.path, ()))
            parts.append(replace(piece, key=_key(piece, around, asked)))
        left_out += uncut
    return parts, tuple(left_out)


def _key(part: BatchFile, around: Iterable[Snippet], asked: str) -> str:
    """Of what surrounds it the text counts, not where it stands: others move all the time."""
    near = tuple((each.role, each.path, each.text) for each in around)
    made_of = repr((asked, part.file, near))
    return hashlib.sha256(made_of.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _batches(
    parts: Sequence[BatchFile],
    own: Mapping[str, Text],
    others: Mapping[str, tuple[Text, ...]],
    settings: Settings,
) -> tuple[Batch, ...]:
    """The parts packed together, with as much context as fits."""
    room = shares(settings.llm_context_tokens)
    return tuple(
        with_context(with_less_evidence(batch, room.evidence), own, others, room.context)
        for batch in pack(parts, room.change, settings.batch_files)
    )


def _batch_file(target: Target, evidence: tuple[Finding, ...]) -> BatchFile:
    return BatchFile(
        file=target.file,
        language=target.language,
        content=target.text,
        evidence=tuple(item for item in evidence if item.path == target.path),
    )
