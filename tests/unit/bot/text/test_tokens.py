"""The estimate that stands in for the tokenizer is held against the tokenizer."""

from pathlib import Path

import pytest

from bot.text import tokens
from bot.text.tokens import count_tokens, estimate_tokens

ROOT = Path(__file__).parents[4]
TEXTS = [
    *sorted((ROOT / "bot").rglob("*.py")),
    *sorted((ROOT / "templates").rglob("*.j2")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "requirements.lock",
]


@pytest.mark.parametrize("text", ["", "hello world", "def f(x):\n    return x\n", "\ud800 lone"])
def test_counts_are_small_for_small_texts(text: str) -> None:
    assert count_tokens(text) <= len(text)


def test_counts_are_those_of_the_o200k_vocabulary() -> None:
    # The lengths that OpenAI's own tokenizer gives for these texts with o200k_base.
    assert count_tokens("hello world") == 2
    assert count_tokens("tokenization") == 2
    assert count_tokens(" " * 16) == 1


def test_the_estimate_is_never_under_the_real_count_of_code_and_prose() -> None:
    for path in TEXTS:
        text = path.read_text()
        assert estimate_tokens(text) >= count_tokens(text), path.name


def test_the_estimate_is_not_wildly_over_it_either() -> None:
    texts = [path.read_text() for path in TEXTS]
    assert sum(map(estimate_tokens, texts)) <= 1.8 * sum(map(count_tokens, texts))


def test_other_scripts_are_estimated_by_their_bytes() -> None:
    text = "検索を速くする。Поиск стал быстрее. 🙂"
    assert estimate_tokens(text) >= count_tokens(text)


def test_without_its_wheel_the_estimate_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_tokenizer", lambda: None)
    assert count_tokens("def f(x): pass") == estimate_tokens("def f(x): pass")
