"""Tokens are counted as OpenAI's own tokenizer counts them."""

import pytest

from bot.text.tokens import count_tokens


@pytest.mark.parametrize("text", ["", "hello world", "def f(x):\n    return x\n", "\ud800 lone"])
def test_counts_are_small_for_small_texts(text: str) -> None:
    assert count_tokens(text) <= len(text)


def test_counts_are_those_of_the_o200k_vocabulary() -> None:
    # The lengths that OpenAI's own tokenizer gives for these texts with o200k_base.
    assert count_tokens("hello world") == 2
    assert count_tokens("tokenization") == 2
    assert count_tokens(" " * 16) == 1
    assert count_tokens("\u691c\u7d22\u3092\u901f\u304f\u3059\u308b\u3002 \U0001f642") == 7
    assert count_tokens("<|endoftext|>") == 7  # text like any other
