"""A person's question, asked over real HTTP."""

from collections.abc import Callable

import pytest

from bot.config.settings import Settings
from bot.domain.model import PullRequestContext
from tests.support.llm_server import LLMServer, Status, Text
from tests.support.secret_shapes import SHAPES
from tests.unit.workers.analysis.conftest import BRIEF, batch_file
from workers.analysis.ask import answer_question
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import BudgetError, TransientLLMError

Make = Callable[..., tuple[LLM, Settings]]


async def ask(llm: LLM, pr_context: PullRequestContext = BRIEF, installation: int = 0) -> str:
    thread = ["ann: First.", "bob: Second."]
    result = await answer_question(
        "Why?",
        thread,
        [batch_file()],
        pr_context,
        llm,
        context_tokens=64_000,
        installation_id=installation,
    )
    return result.text


async def test_question_thread_and_files_are_shown_in_order(
    server: LLMServer, make_llm: Make
) -> None:
    llm, _ = make_llm()
    server.script(Text("Because."))
    assert await ask(llm) == "Because."

    user = server.requests[0].user
    parts = ["|Speed up the search", "|path: src/search.py", "|ann: First.", "|bob: Second."]
    assert sorted(parts, key=user.index) == parts
    assert user.index("|bob: Second.") < user.index("=== BEGIN question ===\n|Why?\n")


async def test_a_truncated_answer_is_marked(server: LLMServer, make_llm: Make) -> None:
    llm, _ = make_llm()
    server.script(Text("Because of", finish_reason="length"))
    thread = ["ann: First."]
    answer = await answer_question(
        "Why?", thread, [batch_file()], BRIEF, llm, context_tokens=64_000
    )
    assert (answer.text, answer.cut) == ("Because of", True)


async def test_no_secret_goes_there_or_comes_back(server: LLMServer, make_llm: Make) -> None:
    secret = SHAPES["github personal"]
    llm, _ = make_llm()
    server.script(Text(f"It is {secret}"))
    # A description is cut at 6,000 characters: here in the middle of the secret.
    answer = await ask(llm, PullRequestContext(title="t", body="word " * 1197 + secret))

    assert answer == "It is [redacted:github-token]"
    assert secret[:8] not in server.requests[0].user


async def test_questions_of_many_installations_do_not_share_a_budget(
    server: LLMServer, make_llm: Make
) -> None:
    llm, _ = make_llm(llm_review_budget=6000, llm_daily_budget=6000, llm_answer_tokens=3000)
    server.default = Text("Because.", prompt_tokens=3000, completion_tokens=100)

    for installation in range(1, 4):
        assert await ask(llm, installation=installation) == "Because."
    with pytest.raises(BudgetError, match="LLM_DAILY_BUDGET"):
        await ask(llm, installation=1)


async def test_an_outage_is_an_error_to_report(server: LLMServer, make_llm: Make) -> None:
    llm, _ = make_llm()
    server.default = Status(500)
    with pytest.raises(TransientLLMError, match="the endpoint returned 500 three times"):
        await ask(llm)


async def test_of_a_long_thread_the_first_and_the_last_comments_are_shown_and_cut(
    server: LLMServer, make_llm: Make
) -> None:
    llm, _ = make_llm()
    server.script(Text("Because.", prompt_tokens=700, completion_tokens=30))
    thread = ["bot: The finding.", *(f"ann: {number}!" for number in range(99)), "z" * 90_000]
    result = await answer_question(
        "Why?", thread, [], BRIEF, llm, context_tokens=64_000, place="src/search.py, line 3"
    )

    user = server.requests[0].user
    assert user.count("=== BEGIN comment ===") == 20
    assert "|bot: The finding." in user
    assert "|ann: 98!" in user
    assert "|ann: 50!" not in user
    assert len(user) < 10_000
    assert "|src/search.py, line 3\n" in user
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (700, 30)
