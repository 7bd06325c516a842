"""What is learned of an endpoint and a model, and how the operator reads of it."""

from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from tests.support.llm_server import LLMServer, Status, Text, review
from tests.unit.workers.analysis.conftest import finding
from workers.analysis.answer_schemas import REVIEW_SCHEMA
from workers.analysis.llm.capabilities import Capabilities, Mode
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import TooLongError
from workers.analysis.llm.refusals import context_size

MakeLLM = Callable[..., tuple[LLM, Settings]]
GOOD = review(finding())


async def ask(llm: LLM, user: str = "Review this.") -> None:
    await llm.ask("You review.", user, REVIEW_SCHEMA, purpose="test", review_id="r1")


@pytest.mark.parametrize(
    ("capabilities", "words"),
    [
        (
            Capabilities(),
            "system messages; JSON by a schema; streams; answers limited by max_tokens;"
            " temperature 0; context unknown; speed unknown",
        ),
        (
            Capabilities(
                mode=Mode.JSON_OBJECT,
                limits=("max_completion_tokens", ""),
                temperature=False,
                system=False,
                longest=4096,
                roomy=True,
                stream_counts=False,
                context=131_072,
                speed=53.5,
            ),
            "no system messages; JSON objects; streams without token counts; answers limited by"
            " max_completion_tokens of 4,096 tokens at most, 4 times LLM_ANSWER_TOKENS because it"
            " thinks first; temperature not accepted; a context of 131,072 tokens; 53.5 tokens/s",
        ),
        (
            Capabilities(mode=Mode.TEXT, limits=("",), stream=False),
            "system messages; JSON by prompt only; no streams; answers without a limit;"
            " temperature 0; context unknown; speed unknown",
        ),
    ],
)
def test_all_that_was_learned_is_said_in_words(capabilities: Capabilities, words: str) -> None:
    assert capabilities.described() == words


@pytest.mark.parametrize(
    ("before", "tokens", "seconds", "after"),
    [
        (None, 500, 10, 50.0),
        (None, 99, 1, None),
        (None, 500, 0, None),
        (50.0, 600, 10, 50.0),
        (50.0, 400, 10, 50.0),
        (50.0, 900, 10, 90.0),
        (50.0, 300, 10, 30.0),
    ],
)
def test_speed_is_written_down_where_it_tells_something_new(
    before: float | None, tokens: int, seconds: float, after: float | None
) -> None:
    assert Capabilities(speed=before).measured(tokens, seconds).speed == after


#: Refusals of a prompt, as servers word them, and the context that they name.
REFUSALS = [
    ("This model's maximum context length is 16385 tokens. However, you requested 20000", 16385),
    ("maximum context length is 16000 tokens (8000 > 16000 - 9000).", 16000),
    ("the request exceeds the available context size (4096 tokens), try increasing it", 4096),
    ('{"message": "the request exceeds the context", "n_ctx": 8192}', 8192),
    ("input token count (1200000) exceeds the maximum number of tokens allowed (1048576)", 1048576),
    ("prompt is too long: 205000 tokens > 200000 maximum", 200000),
    ("Prompt contains 40000 tokens, too large: 32768 maximum context", 32768),
    ("Input is longer than max_model_len=8192", 8192),
    ("This endpoint's maximum context length is 131,072 tokens", 131072),
    ("the prompt is too long", None),
    ("max_tokens: 8000 > 4096, which is the maximum allowed number of output tokens", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tokens"), REFUSALS)
def test_a_refusal_says_how_much_a_model_reads(text: str, tokens: int | None) -> None:
    assert context_size(text) == tokens


@pytest.mark.parametrize("tokens", [4096, 8192])
async def test_a_context_that_a_refusal_names_is_remembered_for_all_workers(
    server: LLMServer, make_llm: MakeLLM, redis: Redis, tokens: int
) -> None:
    llm, _ = make_llm(redis)
    server.default = Status(400, f"the request exceeds the available context size ({tokens})")
    with pytest.raises(TooLongError):
        await ask(llm)
    server.default = GOOD
    await ask(llm)

    other, _ = make_llm(redis)
    assert (await other.capabilities("tiny")).context == tokens


async def test_a_prompt_that_was_shortened_without_a_word_shows_the_context(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = Text(GOOD.content, prompt_tokens=2050)
    with pytest.raises(TooLongError):
        await ask(llm, "one two three four five six seven eight nine ten " * 500)

    assert (await llm.capabilities("tiny")).context == 2050


#: Lists of models, as servers give them.
LISTS: list[tuple[Any, int | None]] = [
    ({"data": [{"id": "other", "max_model_len": 1}, {"id": "tiny", "max_model_len": 8192}]}, 8192),
    ({"data": [{"id": "tiny", "top_provider": {"context_length": 65536}}]}, 65536),
    ({"data": [{"id": "tiny", "meta": {"n_ctx_train": 131072, "n_ctx": 4096}}]}, 4096),
    ({"data": [{"id": "models/tiny", "context_window": 32768}]}, 32768),
    ({"data": [{"id": "tiny", "object": "model"}]}, None),
    ({"data": [{"id": "tiny", "max_model_len": "8192"}, "tiny", None]}, None),
    ({"data": "tiny"}, None),
    (["tiny"], None),
    (None, None),
]


@pytest.mark.parametrize(("models", "tokens"), LISTS, ids=str)
async def test_the_list_of_models_says_how_much_one_reads(
    server: LLMServer, make_llm: MakeLLM, models: Any, tokens: int | None
) -> None:
    llm, _ = make_llm()
    server.models = models

    assert (await llm.capabilities("tiny")).context == tokens


@pytest.mark.parametrize(
    ("contexts", "tokens"),
    [
        ({}, 64_000),
        ({"tiny": 200_000}, 64_000),
        ({"tiny": 72_000}, 64_000),
        ({"tiny": 71_000}, 63_000),
        ({"tiny": 8_192}, 8_192 - 2_048),
        ({"tiny": 72_000, "checker": 16_000, "other": 4_096}, 12_000),
        ({"tiny": 512}, 1_000),
    ],
)
async def test_prompts_fit_what_all_models_read_beside_an_answer(
    server: LLMServer, make_llm: MakeLLM, contexts: dict[str, int], tokens: int
) -> None:
    server.models = {"data": [{"id": id, "max_model_len": n} for id, n in contexts.items()]}
    llm, settings = make_llm(llm_verify_model="checker")
    assert await llm.fitted() == settings.with_context(tokens)
