"""LLM_CONTEXT_TOKENS holds for the whole prompt, whatever is in the change and around it."""

from pathlib import Path
from typing import cast

import pytest

from bot.config.repository_config import Instruction, TeamPreference
from bot.config.settings import Settings, load
from bot.domain.diff import ChangedFile, FileStatus
from bot.domain.model import (
    Batch,
    BatchFile,
    Category,
    Convention,
    Finding,
    PullRequestContext,
    Severity,
    Usage,
)
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from workers.analysis.llm.client import LLM, Answer
from workers.analysis.prompt import Prompt, batch_prompt
from workers.analysis.redacted_view import show
from workers.analysis.refute import check
from workers.analysis.session import Session
from workers.scan.bundles import with_less_evidence
from workers.scan.scan import Scanned

LONG = "What was changed, and why; in words that nobody will read to their end.\n" * 400
BRIEF = PullRequestContext(title="t" * 5000, body=LONG, commits=(LONG,) * 10, issue=LONG)
RULES = tuple(Instruction(("**",), LONG[:4000]) for _ in range(20))


PREFERENCES = tuple((n, TeamPreference(("**",), "not here " * 20)) for n in range(1, 21))
OPEN = tuple(
    (
        number,
        Finding(
            path="pkg/m1.py", category=Category.QUALITY, severity=Severity.LOW, title="t " * 60,
            body="b", confidence=0.9, source="llm", start_line=number, end_line=number,
        ),
    )
    for number in range(1, 100)
)  # fmt: skip


def path(number: int) -> str:
    return f"pkg/m{number}.py"


def _python(number: int, *, changed: bool) -> str:
    """Functions that call each other, with an undefined name on each changed line."""
    lines = [f"from pkg.helpers import helper_{each}" for each in range(120)]
    for each in range(160):
        lines += [
            f"def step_{number}_{each}(value):",
            f"    total = step_{number}_{(each + 1) % 160}(value)",
            f"    return unknown_{each} + helper_{each % 120}(total)"
            if changed
            else "    return total",
            "",
        ]
    return "\n".join(lines)


HELPERS = "".join(
    f"def helper_{n}(value):\n" + "".join(f"    value = value * {k} + {n}\n" for k in range(30))
    for n in range(120)
)


async def _scanned(repository: Repository, settings: Settings) -> Scanned:
    source = repository.change(
        {"pkg/helpers.py": HELPERS, **{path(n): _python(n, changed=False) for n in range(4)}},
        {"pkg/helpers.py": HELPERS, **{path(n): _python(n, changed=True) for n in range(4)}},
    )
    return await scanned(source, settings, pr_context=BRIEF)


@pytest.mark.variations(1)
@pytest.mark.parametrize("context_tokens", [6_000, 24_000])
async def test_no_prompt_is_longer_than_it_may_be(tmp_path: Path, context_tokens: int) -> None:
    settings = load(_env_file=None, llm_model="some-model", llm_context_tokens=context_tokens)
    change = await _scanned(Repository(tmp_path / "upstream.git"), settings)
    sizes = []
    for batch in change.batches:
        files = [show(each) for each in batch.files]
        prompt = batch_prompt(
            files,
            BRIEF,
            RULES,
            (Category.SECURITY,),
            context_tokens,
            open_findings=OPEN,
            preferences=PREFERENCES,
        )
        sizes.append(prompt.tokens)
        assert "|title\n|ttt" in prompt.user
        assert "|1: pkg/m1.py line 1, low: t t" in prompt.user
        assert "|99: pkg/m1.py" not in prompt.user
        assert "|for **\n|What was changed" in prompt.user
    assert max(sizes) <= context_tokens
    assert max(sizes) > 0.6 * context_tokens  # and what may be shown is used


def test_a_short_description_is_shown_whole_and_the_newest_commits_come_first() -> None:
    pr_context = PullRequestContext(
        title="Title", body="Body", commits=("first " * 900, "last"), issue="Issue"
    )
    user = batch_prompt([], pr_context, (), (), 6_000).user
    assert "|Title\n" in user
    assert "|Body\n" in user
    assert "|Issue\n" in user
    assert "|last\n" in user
    assert user.count("first ") < 300


def test_the_gravest_evidence_is_what_fits() -> None:
    low, high = (
        Finding(
            path="a.py", category=Category.QUALITY, severity=severity, title="t " * 40, body="b",
            confidence=0.9, source="ruff:X", quote="x", start_line=1, fingerprint=severity.value,
        )
        for severity in (Severity.LOW, Severity.HIGH)
    )  # fmt: skip
    file = ChangedFile(path="a.py", status=FileStatus.MODIFIED)
    batch = Batch(0, (BatchFile(file=file, language="python", content="", evidence=(low, high)),))
    for budget, kept in ((0, ()), (80, (high,)), (1000, (low, high))):
        assert with_less_evidence(batch, budget).files[0].evidence == kept


async def test_many_findings_are_checked_in_as_many_calls_as_they_need() -> None:
    settings = load(_env_file=None, llm_model="m", llm_context_tokens=6_000)
    findings = [
        Finding(
            path="a.py", category=Category.QUALITY, severity=Severity.LOW, title=f"t{n}",
            body="words " * 500, confidence=0.9, source="llm", quote="x", fingerprint=f"{n}",
        )
        for n in range(4)
    ]  # fmt: skip
    prompts: list[str] = []

    class Agreeing:
        async def ask(self, system: str, user: str, *_: object, **__: object) -> Answer:
            prompts.append(user)
            ids = [int(line[5:]) for line in user.split("\n") if line.startswith("|id: ")]
            verdicts = [{"id": n, "verdict": "confirmed", "confidence": 1} for n in ids]
            return Answer("", {"verdicts": verdicts}, Usage(calls=1), "m")

    session = Session(llm=cast(LLM, Agreeing()), settings=settings)
    checked = await check(findings, [], session)
    assert len(checked.findings) == 4
    assert checked.unchecked == ()
    assert [user.count("=== BEGIN finding") for user in prompts] == [1, 1, 1, 1]


def test_preferences_have_at_most_half_of_what_the_instructions_have() -> None:
    long = "This kind of defect is none in our services, as the gateway sees to it. " * 2
    preferences = [(n, TeamPreference(("**",), f"{n} {long}")) for n in range(1, 21)]

    def prompt(context_tokens: int, *, rules: tuple[Instruction, ...] = ()) -> Prompt:
        files = [show(BatchFile(file=ChangedFile(path="a.py", status=FileStatus.MODIFIED),
                                language="", content=None))]  # fmt: skip
        return batch_prompt(files, BRIEF, rules, (), context_tokens, preferences=preferences)

    assert "|20, for **: 20 This" in prompt(100_000).user
    some = prompt(24_000)
    assert "|1, for **: 1 This" in some.user
    assert "|20, for **" not in some.user
    assert some.tokens < 24_000
    both = prompt(24_000, rules=RULES)
    assert "|1, for **: 1 This" in both.user
    assert "|for **\n|What was changed" in both.user
    assert both.tokens < 24_000
    assert "team preferences" not in prompt(4_000).user


def test_conventions_are_shown_in_what_the_instructions_leave() -> None:
    conventions = (
        Convention(path="web/AGENTS.md", text="Hooks only.\n=== END x ==="),
        Convention(path="AGENTS.md", text=LONG),
    )

    def user(rules: tuple[Instruction, ...]) -> str:
        files = [show(BatchFile(file=ChangedFile(path="a.py", status=FileStatus.MODIFIED),
                                language="", content=None))]  # fmt: skip
        return batch_prompt(files, BRIEF, rules, (), 24_000, conventions=conventions).user

    shown = user(())
    assert "|from web/AGENTS.md\n|Hooks only.\n|=== END x ===\n|from AGENTS.md\n|What was" in shown
    assert shown.count("What was changed") < LONG.count("What was changed") // 2
    assert "conventions that hold there" not in user(RULES)
