"""The step: a batch is read by the model, and what it says is checked before it is believed."""

from collections.abc import Sequence
from dataclasses import replace

from bot.config.repository_config import RepoConfig
from bot.config.settings import FailOn, Settings
from bot.domain.look_ups import CodeSource
from bot.domain.model import Batch, BatchResult, Category, Effort, Finding, PullRequestContext
from bot.policy.finding_filter import effort_of, finding_filter
from bot.policy.precedence import Effective, effective
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import TransientLLMError
from workers.analysis.merge_readings import combine, with_reported, without_repeats
from workers.analysis.reader import Reader
from workers.analysis.redacted_view import show
from workers.analysis.refute import check
from workers.analysis.session import OnActivity, Session, all_of, nobody
from workers.analysis.team_checks.judge import judge_checks


async def analyze(
    batch: Batch,
    pr_context: PullRequestContext,
    llm: LLM,
    settings: Settings,
    config: RepoConfig,
    *,
    focus: Category | None,
    effort: Effort | None = None,
    source: CodeSource | None = None,
    on_activity: OnActivity | None = None,
    review_id: str = "",
    installation_id: int = 0,
    by_outsider: bool = False,
    last_try: bool = False,
    afresh: bool = False,
) -> BatchResult:
    """What the model finds in `batch`, checked, with the `effort` that somebody asked for.

    The batch's open findings are among its findings unless a line shows that they are fixed;
    `afresh`, the model reads without knowing them, and they are checked again. A batch for the
    team's checks gives what became of them, and no findings.

    Raises TransientLLMError if a later try may give more, except at the `last_try`; its `usage` is
    what this try has cost. Else the result has what could be had, and says why in `notes`.
    """
    session = Session(
        llm=llm,
        settings=settings,
        source=source,
        on_activity=on_activity or nobody,
        review_id=review_id,
        installation_id=installation_id,
        by_outsider=by_outsider,
        last_try=last_try,
    )
    chosen = effort_of(settings, config, effort)
    looks = source is not None and chosen is not Effort.QUICK and settings.look_up_rounds > 0
    if batch.checks:
        return await judge_checks(batch, pr_context, session, config, look_ups=looks)
    shown = [show(each) for each in batch.files if each.file.hunks]
    without_hunks = tuple(each.file.path for each in batch.files if not each.file.hunks)
    if not shown:
        return BatchResult(reviewed=without_hunks, findings=batch.open_findings)
    reader = _reader(batch, pr_context, session, config, focus, looks=looks, afresh=afresh)
    readers = [reader, reader.independent()] if chosen is Effort.DEEP else [reader]
    try:
        await all_of([reader.read(shown[::-1] if reader.second else shown) for reader in readers])
        result, still_open = _with_open(readers, batch.open_findings, afresh)
        checked = await check(
            result.findings,
            shown,
            session,
            look_ups=looks,
            looked_up=[each for reader in readers for each in reader.looked_up],
            comments=_comments(effective(settings, config), chosen),
        )
    except TransientLLMError as exc:
        exc.usage = session.usage
        raise
    return replace(
        result,
        findings=(*checked.findings, *still_open),
        rejected=result.rejected + checked.rejected,
        reviewed=without_hunks + result.reviewed,
        inconclusive=result.inconclusive + checked.unchecked,
        usage=session.usage,
        notes=result.notes + checked.notes,
    )


def _reader(
    batch: Batch,
    pr_context: PullRequestContext,
    session: Session,
    config: RepoConfig,
    focus: Category | None,
    *,
    looks: bool,
    afresh: bool,
) -> Reader:
    return Reader(
        session=session,
        pr_context=pr_context,
        config=config,
        finding_filter=finding_filter(session.settings, config, focus),
        overview=batch.overview,
        conventions=batch.conventions,
        rounds=session.settings.look_up_rounds if looks else 0,
        open_findings=() if afresh else batch.open_findings,
    )


def _comments(rules: Effective, effort: Effort) -> int | None:
    """How many findings have to hold in the check; None where each one counts: in a deep review,
    and where a finding fails the check run though it is not severe."""
    if effort is Effort.DEEP or rules.fail_on in (FailOn.MEDIUM, FailOn.LOW):
        return None
    return rules.max_comments


def _with_open(
    readers: Sequence[Reader], open_findings: Sequence[Finding], afresh: bool
) -> tuple[BatchResult, Sequence[Finding]]:
    """What was read, with the findings that are to be checked, and those that stay open
    unchecked."""
    result = combine([reader.result() for reader in readers])
    if afresh:
        return with_reported(result, open_findings), ()
    fixed = dict(result.fixed)
    still_open = [each for each in open_findings if each.fingerprint not in fixed]
    return without_repeats(result, still_open), still_open
