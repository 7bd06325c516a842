"""What is understood of a refusal, and what of a server's words is shown."""

import pytest

from workers.analysis.llm.refusals import (
    MAX_WORDS,
    because,
    context_size,
    longest_answer,
    says_too_large_for_a_minute,
    server_words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rate limit reached for tokens per min (TPM): Limit 30000, Requested 45000.", True),
        ("Rate limit reached for tokens per min (TPM): Limit 30000, Requested 30000.", False),
        ("Request too large for gpt-5 on tokens per min.", True),
        ("Rate limit reached, please try again in 20s.", False),
    ],
)
def test_what_is_larger_than_a_minute_allows_comes_again(text: str, expected: bool) -> None:
    assert says_too_large_for_a_minute(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max_tokens is too large: 9000. This model supports at most 4096 tokens", 4096),
        ("max_tokens must be less than or equal to 8192", 8192),
        ("max_tokens: 9000 > 4096, which is the most", 4096),
        ("max_tokens is too large. (9000 > 8192 - 192)", 8000),
        ("max_tokens is too large. (9000 > 8192 - 8192)", None),
        ("max_tokens is not known", None),
        ("supports at most 4096 tokens", None),
    ],
)
def test_the_longest_answer_is_read_where_a_refusal_names_the_parameter(
    text: str, expected: int | None
) -> None:
    assert longest_answer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max_tokens is too large. (9000 > 8192 - 192)", 8192),
        ("maximum context length is 128,000 tokens", 128_000),
        ("prompt is too long: 210000 tokens > 200000 maximum", 200_000),
        ("the prompt is too long", None),
    ],
)
def test_the_size_of_a_context_is_read_in_each_form(text: str, expected: int | None) -> None:
    assert context_size(text) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("model not found.", "model not found"),
        ({"error": {"message": "model not found"}}, "model not found"),
        ({"detail": [{"msg": "field required"}, {"msg": "another"}]}, "field required"),
        ([{"error": {"message": "quota"}}], "quota"),
        ({"error": {"message": "", "detail": "no credit"}}, "no credit"),
        ([[[["deep enough"]]]], "deep enough"),
        ([[[[["too deep"]]]]], ""),
        ({"request": "what was asked"}, ""),
        (" \n", ""),
        ("<html>Bad gateway</html>", ""),
        ('  {"error": 1}', ""),
        ({"message": "see https://example.com/x or 10.0.0.1:80"}, "see … or …"),
        ({"message": "a\n`b`  <c>"}, "a b c"),
        (None, ""),
        (7, ""),
    ],
)
def test_the_words_of_a_server_are_one_harmless_line(body: object, words: str) -> None:
    assert server_words(body) == words
    assert because(body) == (f' ("{words}")' if words else "")


def test_long_words_are_cut() -> None:
    assert server_words("w" * MAX_WORDS) == "w" * MAX_WORDS
    assert server_words("w" * (MAX_WORDS + 1)) == "w" * (MAX_WORDS - 1) + "…"
