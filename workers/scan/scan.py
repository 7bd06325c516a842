"""The scan step: from a source to evidence and batches, without a Redis or a GitHub."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.config.prompt_shares import prompt_budget
from bot.config.repository_config import RepoConfig, TeamPreference
from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, Side, Surroundings, is_printable
from bot.domain.fingerprint import fingerprint
from bot.domain.model import (
    DEPENDENCIES_SOURCE,
    Batch,
    BatchFile,
    Category,
    Finding,
    MaskedLine,
    PullRequest,
    PullRequestContext,
    Scan,
    SkippedFile,
    Snippet,
    State,
)
from bot.domain.progress import Activity, Progress
from bot.domain.reasons import FileSkipReason
from bot.policy.finding_filter import FindingFilter, finding_filter
from bot.policy.precedence import effective
from bot.security.signing import secrets_key
from bot.text.globs import any_matches
from templates.languages import Language, _
from workers.scan import leftovers, own_rules
from workers.scan.analyzers.analyzer import Target
from workers.scan.analyzers.runner import AnalyzerResults, run_all, unknown_note
from workers.scan.analyzers.secrets import SECRETS, masks
from workers.scan.bundles import bundle, relations, with_less_evidence
from workers.scan.context.context import relatives, with_context
from workers.scan.context.outline import outline
from workers.scan.context.snippets import Text, snippets
from workers.scan.conventions import conventions
from workers.scan.dependencies import AskDependencies, check_dependencies
from workers.scan.file_parts import split
from workers.scan.notebooks import with_cells
from workers.scan.overview import brief, left_out, overview_tokens, unread, with_overviews
from workers.scan.redaction import Redacted, redact_brief, redact_scan, redact_texts
from workers.scan.repository.clone import Clone, Source, clone
from workers.scan.repository.errors import CloneError
from workers.scan.selection.file_selection import FileSelection, select_files
from workers.scan.selection.manifests import undeclared
from workers.scan.team_checks import checks_batch, scopes
from workers.scan.unread_files import Searched, search_unread, with_plain_paths

#: The part of the context's share that an overview of the rest of the change may take.
_OVERVIEW_SHARE = 4

#: So many batches of one change are read; each costs a call or more of the model.
MAX_BATCHES = 60

ProgressCallback = Callable[[Progress], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scanned:
    """`kept` are the keys of the readings that were known, and so are in no batch; `checks` is the
    whole change, for the team's checks."""

    scan: Scan
    batches: tuple[Batch, ...]
    kept: tuple[str, ...] = ()
    checks: Batch | None = None

    def with_checks(self, batches: tuple[Batch, ...]) -> tuple[Batch, ...]:
        """These batches, and the one for the checks under the next number, if there is one."""
        if self.checks is None:
            return batches
        number = max((batch.number for batch in batches), default=-1) + 1
        return (*batches, replace(self.checks, number=number))


async def scan(
    source: Source,
    pull: PullRequest,
    pr_context: PullRequestContext,
    settings: Settings,
    config: RepoConfig,
    *,
    focus: Category | None,
    on_progress: ProgressCallback,
    known: Container[str] = (),
    protocols: tuple[str, ...] | None = None,
    ask_dependencies: AskDependencies | None = None,
) -> Scanned:
    """Clone, diff, choose, analyse, gather context, cut batches.

    What is returned shows no secret that is known by its form or was found. There are no batches
    without an LLM, and `known` readings are in none. Raises CloneError.
    """
    await on_progress(_at(5, Activity.CLONING))
    async with clone(source, settings, protocols=protocols) as repository:
        await on_progress(_at(8, Activity.DIFFING))
        selection = await select_files(repository, settings, config)
        await on_progress(_at(11, Activity.RUNNING_ANALYZERS, len(selection.targets)))
        disabled = effective(settings, config).analyzers_disabled
        ask = None if DEPENDENCIES_SOURCE in disabled else ask_dependencies
        (analyzer_results, others, more_notes), packages = await asyncio.gather(
            _analyzed(repository, selection, settings, disabled),
            check_dependencies(repository, selection, config, ask),
        )
        search = () if SECRETS.name in disabled else selection.unread
        # The last that the clone is asked for: that they are too large costs nothing else.
        elsewhere = await _search(repository, search, secrets_key(settings))
    notes = (*unknown_note(config.analyzers_disabled), *analyzer_results.notes)
    found = analyzer_results.evidence + packages.findings
    hidden = await asyncio.to_thread(_shown, selection.targets, found, secrets_key(settings))
    selection = replace(selection, targets=hidden.targets)
    others = await asyncio.to_thread(redact_texts, others, hidden.targets)
    own = await asyncio.to_thread(_own, selection.targets if settings.has_llm else ())
    criteria = finding_filter(settings, config, focus)
    evidence = _finished(hidden, criteria)
    await on_progress(_at(17, Activity.PREPARING_BATCHES, len(evidence)))
    inputs, preferences = _cache_inputs(settings, config, criteria, selection), config.preferences
    parts, uncut = await asyncio.to_thread(
        _parts, selection, own, evidence, hidden.secrets, others, settings, inputs, preferences
    )
    new = [part for part in parts if part.key not in known]
    batches, over = await asyncio.to_thread(_batches, new, selection, own, others, settings)
    result = Scan(
        merge_base=source.merge_base,
        pr_context=redact_brief(pr_context),
        files=selection.files,
        skipped=selection.skipped
        + uncut
        + over
        + _unknown(selection, analyzer_results.reviewed, settings),
        evidence=evidence + with_plain_paths(_finished(elsewhere.found, criteria)),
        notes=notes + more_notes + elsewhere.notes + packages.notes,
        file_result_keys=tuple(part.key for part in parts),
        reviewed_paths=tuple(target.path for target in selection.targets),
        analyzed_paths=tuple(sorted(analyzer_results.reviewed)),
        searched_paths=elsewhere.paths,
        skipped_unlisted=selection.skipped_unlisted,
        failed_sources=analyzer_results.failed_sources + packages.failed,
        masked_lines=_masked_lines(hidden) + _masked_lines(elsewhere.found),
        truncated_sources=analyzer_results.truncated_sources + packages.truncated,
        checks=await asyncio.to_thread(scopes, config.checks, selection, uncut),
        dependencies=packages.changes,
        declared=packages.declared,
        undeclared_paths=await asyncio.to_thread(undeclared, selection),
    )
    kept = tuple(part.key for part in parts if part.key in known)
    judged = result.checks if settings.has_llm else ()
    return Scanned(result, batches, kept, checks_batch(judged, parts, selection, uncut))


async def _search(repository: Clone, files: Sequence[ChangedFile], key: bytes) -> Searched:
    """The secrets in what is not reviewed, and a note if it could not be searched."""
    try:
        return await search_unread(repository, files, key)
    except CloneError as exc:
        note = _("Skipped files were not searched for secrets: {why}", why=exc)
        return Searched(notes=(note,))


async def _analyzed(
    repository: Clone, selection: FileSelection, settings: Settings, disabled: Collection[str]
) -> tuple[AnalyzerResults, dict[str, tuple[Text, ...]], tuple[str, ...]]:
    """What analyzers say, and the files that explain the changed ones, with notes on what could not
    be read of these."""
    async with asyncio.TaskGroup() as group:  # both only wait for other processes
        analysed = group.create_task(
            run_all(
                selection.targets,
                seconds=settings.analyzer_seconds,
                disabled=disabled,
                require_isolation=settings.require_isolation,
            )
        )
        own = group.create_task(_by_own_rules(selection, settings, disabled))
        read = group.create_task(_around(repository, selection, settings, disabled))
    others, left, notes = read.result()
    return _joined(analysed.result().with_others(own.result()), left), others, notes


async def _by_own_rules(
    selection: FileSelection, settings: Settings, disabled: Collection[str]
) -> AnalyzerResults:
    if own_rules.NAME in disabled or not selection.own_rules:
        return AnalyzerResults(())
    return await own_rules.run_own_rules(
        selection.own_rules,
        selection.targets,
        seconds=settings.analyzer_seconds,
        require_isolation=settings.require_isolation,
    )


def _shown(targets: Sequence[Target], evidence: Sequence[Finding], key: bytes) -> Redacted:
    """The files as they may be shown, of notebooks their cells alone."""
    hidden = redact_scan(targets, evidence, key)
    return replace(hidden, targets=tuple(map(with_cells, targets, hidden.targets)))


def _masked_lines(hidden: Redacted) -> tuple[MaskedLine, ...]:
    return tuple(
        MaskedLine(path, number, text)
        for path, lines in masks(hidden.evidence).items()
        if is_printable(path)  # no other is looked up
        for number, text in lines.items()
    )


def _at(percent: int, activity: Activity, amount: int = 0) -> Progress:
    return Progress(state=State.SCANNING, percent=percent, activity=activity, amount=amount)


def _unknown(
    selection: FileSelection, analysed: Container[str], settings: Settings
) -> tuple[SkippedFile, ...]:
    """What nobody understands where there are analysers alone."""
    if settings.has_llm:
        return ()
    return tuple(
        SkippedFile(target.path, FileSkipReason.SECRETS_ONLY)
        for target in selection.targets
        if target.path not in analysed
    )


def _cache_inputs(
    settings: Settings, config: RepoConfig, criteria: FindingFilter, selection: FileSelection
) -> str:
    """What else an answer, and what was kept of it, depends on, beside the code that is read."""
    written = tuple(selection.conventions.items())
    made_of: tuple[object, ...] = (
        settings.llm_model,
        config.instructions,
        config.tone,
        written,
        criteria,
    )
    language = effective(settings, config).language
    # What was read before there were languages is English, and need not be read again.
    return repr(made_of if language is Language.ENGLISH else (*made_of, str(language)))


def _finished(hidden: Redacted, criteria: FindingFilter) -> tuple[Finding, ...]:
    paths = {item.path for item in hidden.evidence}
    surroundings = {
        target.path: Surroundings(target.file, Side.RIGHT)
        for target in hidden.targets
        if target.path in paths
    }

    def finished(item: Finding) -> Finding:
        start, end = item.start_line or 0, item.end_line or 0
        around = surroundings.get(item.path)  # none of a file that is looked through for secrets
        before, after = around.around(start, end) if around else ((), ())
        name = _fingerprint(item, hidden.secrets.get(item.path, {}))
        return replace(item, fingerprint=name, before=before, after=after)

    return tuple(finished(i) for i in hidden.evidence if i.category in criteria.categories)


def _fingerprint(item: Finding, secrets: Mapping[int, str]) -> str:
    if item.fingerprint:  # of what it is about, and not of its line
        return item.fingerprint
    lines = range(item.start_line or 0, (item.end_line or item.start_line or 0) + 1)
    values = [secrets[line] for line in lines if line in secrets] if secrets else []
    return fingerprint(item.path, item.source, item.quote, values)


async def _around(
    repository: Clone, selection: FileSelection, settings: Settings, disabled: Collection[str]
) -> tuple[dict[str, tuple[Text, ...]], tuple[Finding, ...] | None, tuple[str, ...]]:
    """What the rest of the repository has to do with the change: texts that help the model, what is
    still used of what was removed (None if that is not known), and notes."""
    others, notes = await _relatives(repository, selection, settings)
    if leftovers.NAME in disabled:
        return others, (), notes
    try:
        return others, await leftovers.leftovers(repository, selection), notes
    except CloneError as exc:
        note = _("Remaining uses of removed code were not searched for: {why}", why=exc)
        return others, None, (*notes, note)


def _joined(results: AnalyzerResults, left: tuple[Finding, ...] | None) -> AnalyzerResults:
    """What the analyzers found, and what is still used."""
    if left is None:
        return replace(results, failed_sources=(*results.failed_sources, leftovers.NAME))
    return replace(results, evidence=(*results.evidence, *left))


async def _relatives(
    repository: Clone, selection: FileSelection, settings: Settings
) -> tuple[dict[str, tuple[Text, ...]], tuple[str, ...]]:
    """A review without context is better than none: a failure is a note."""
    if not settings.has_llm:
        return {}, ()
    try:
        return await relatives(repository, selection)
    except CloneError as exc:
        why = _("Other files of the repository were not read for context: {why}", why=exc)
        return {}, (why,)


def _own(targets: Iterable[Target]) -> dict[str, Text]:
    return {
        target.path: Text(target.path, target.text, outline(target.language, target.text))
        for target in targets
    }


def _parts(
    selection: FileSelection,
    own: Mapping[str, Text],
    evidence: tuple[Finding, ...],
    secrets: Mapping[str, Mapping[int, str]],
    others: Mapping[str, tuple[Text, ...]],
    settings: Settings,
    cache_inputs: str,
    preferences: Sequence[TeamPreference],
) -> tuple[list[BatchFile], tuple[SkippedFile, ...]]:
    """All that is to be read, in parts that fit a prompt, each under its key."""
    if not settings.has_llm:
        return [], ()
    preferred = defaultdict[str, str](str)
    for each in preferences:  # a file is read again where one that is for it has come or gone
        for target in selection.targets:
            if any_matches(each.paths, target.path):
                preferred[target.path] += repr(each)
    diff_budget = prompt_budget(settings.llm_context_tokens).change
    parts: list[BatchFile] = []
    skipped: list[SkippedFile] = []
    for target in selection.targets:
        text = own[target.path]
        pieces, uncut = split(
            _batch_file(target, evidence, secrets.get(target.path, {})), diff_budget, text.outline
        )
        for piece in pieces:
            around = snippets(piece.file, text, others.get(target.path, ()))
            inputs = cache_inputs + preferred[target.path]
            parts.append(replace(piece, key=_key(piece, around, inputs)))
        skipped += uncut
    return parts, tuple(skipped)


def _key(part: BatchFile, around: Iterable[Snippet], cache_inputs: str) -> str:
    """Of what surrounds it the text counts, not where it stands: others move all the time."""
    near = tuple((each.role, each.path, each.text) for each in around)
    made_of = repr((cache_inputs, part.file, part.secrets, near))
    return hashlib.sha256(made_of.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _batches(
    parts: Sequence[BatchFile],
    selection: FileSelection,
    own: Mapping[str, Text],
    others: Mapping[str, tuple[Text, ...]],
    settings: Settings,
) -> tuple[tuple[Batch, ...], tuple[SkippedFile, ...]]:
    """The parts put together, each batch with an overview of the rest of the change, and with as
    much context as fits; and what is in too many batches."""
    if not parts:
        return (), ()
    budgets = prompt_budget(settings.llm_context_tokens)
    files = [target.file for target in selection.targets]
    related = relations(files, own, others)
    lineless = {file.path for file in selection.lineless}
    batches = with_overviews(
        bundle(parts, budgets.change, settings.batch_files, related),
        {file.path: brief(file, own[file.path]) for file in files},
        [
            *map(unread, selection.lineless),
            *(left_out(item) for item in selection.skipped if item.path not in lineless),
        ],
        related,
        budgets.context // _OVERVIEW_SHARE,
    )
    full = tuple(
        with_context(
            with_less_evidence(_with_conventions(batch, selection), budgets.evidence),
            own,
            others,
            budgets.context - overview_tokens(batch.overview),
        )
        for batch in batches
    )
    return _within_limit(full)


def _within_limit(
    batches: tuple[Batch, ...],
) -> tuple[tuple[Batch, ...], tuple[SkippedFile, ...]]:
    """The batches that are read, and what is in the others: each costs calls."""
    left = dict.fromkeys(path for batch in batches[MAX_BATCHES:] for path in batch.paths)
    limit = str(MAX_BATCHES)
    skipped = tuple(SkippedFile(path, FileSkipReason.BATCH_LIMIT, limit) for path in left)
    return batches[:MAX_BATCHES], skipped


def _with_conventions(batch: Batch, selection: FileSelection) -> Batch:
    paths = [part.file.path for part in batch.files]
    return replace(batch, conventions=conventions(selection.conventions, paths))


def _batch_file(
    target: Target, evidence: tuple[Finding, ...], secrets: Mapping[int, str]
) -> BatchFile:
    return BatchFile(
        file=target.file,
        language=target.language,
        content=target.text,
        evidence=tuple(item for item in evidence if item.path == target.path),
        secrets=tuple(secrets.items()),
    )
