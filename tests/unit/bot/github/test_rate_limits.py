"""The rules of waiting and repeating, on their own."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.github.errors import Transient
from bot.github.rate_limits import Quota, RetryPolicy, is_retryable, limit_wait, notifies

NOW = 1_000.0


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (403, {"retry-after": "7"}, "You have exceeded a secondary rate limit", 7.0),
        (429, {"retry-after": "7"}, "", 7.0),
        (429, {}, "", 60.0),
        (403, {}, "You have exceeded a secondary rate limit.", 60.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}, "", 11.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "990"}, "", 1.0),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}, "", 11.0),
        (403, {"x-ratelimit-remaining": "4999"}, "Resource not accessible by integration", None),
        (403, {"retry-after": "soon"}, "Forbidden", None),
        (403, {"retry-after": "Thu, 01 Jan 1970 00:18:20 GMT"}, "Too many requests", 100.0),
        (429, {"retry-after": "Thu, 01 Jan 1970 00:16:00 GMT"}, "", 0.0),
        (429, {"retry-after": "Thu, 99 Jan 1970 00:16:00 GMT"}, "", 60.0),
        (404, {"retry-after": "7"}, "", None),
        (503, {"retry-after": "7"}, "", None),
    ],
)
def test_an_answer_is_a_limit_or_not(
    status: int, headers: dict[str, str], message: str, wait: float | None
) -> None:
    assert limit_wait(status, headers, json.dumps({"message": message}).encode(), NOW) == wait


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        ({"resource": "PullRequestReview", "code": "abuse", "field": "base"}, 60.0),
        ({"code": "custom", "message": "was submitted too quickly"}, 60.0),
        ("was submitted too quickly", 60.0),
        ({"code": "invalid", "field": "line"}, None),
        ("Path could not be resolved", None),
    ],
)
def test_a_422_for_making_content_too_quickly_is_a_limit(error: object, wait: float | None) -> None:
    body = json.dumps({"message": "Validation Failed", "errors": [error]}).encode()
    assert limit_wait(422, {}, body, NOW) == wait


@pytest.mark.parametrize(
    ("method", "path", "repeatable"),
    [
        ("GET", "/repos/o/n", True),
        ("PATCH", "/repos/o/n/check-runs/1", True),
        ("POST", "/app/installations/1/access_tokens", True),
        ("POST", "/graphql", True),
        ("POST", "/repos/o/n/issues/comments/1/reactions", True),
        ("POST", "/repos/o/n/check-runs", False),
        ("POST", "/repos/o/n/pulls/1/reviews", False),
    ],
)
def test_only_what_does_not_happen_twice_is_repeated(
    method: str, path: str, repeatable: bool
) -> None:
    assert is_retryable(method, path) is repeatable


def test_comments_and_reviews_notify_and_reading_them_does_not() -> None:
    assert notifies("POST", "/repos/o/n/pulls/1/reviews")
    assert notifies("POST", "/repos/o/n/issues/1/comments")
    assert not notifies("GET", "/repos/o/n/issues/1/comments")
    assert not notifies("POST", "/repos/o/n/issues/comments/1/reactions")


@given(attempt=st.integers(1, 40), chance=st.floats(0, 1, exclude_max=True))
def test_a_backoff_has_jitter_and_a_cap(attempt: int, chance: float) -> None:
    policy = RetryPolicy(base_seconds=0.5, cap_seconds=8)
    wait = policy.backoff(attempt, chance)
    longest = min(8, 0.5 * 2 ** (attempt - 1))
    assert longest / 2 <= wait <= longest


def test_writes_get_slots_a_second_apart_and_reads_pass_by() -> None:
    quota = Quota()
    waits = [quota.reserve(10.0, write=True, max_wait=30) for _ in range(3)]
    assert waits == [0.0, 1.0, 2.0]
    assert quota.reserve(10.0, write=False, max_wait=30) == 0.0
    assert quota.reserve(20.0, write=True, max_wait=30) == 0.0


def test_a_refused_reservation_takes_no_slot() -> None:
    quota = Quota()
    quota.block_until(100.0)
    for _ in range(2):
        with pytest.raises(Transient) as caught:
            quota.reserve(10.0, write=True, max_wait=30)
        assert caught.value.retry_after == 90.0
    assert quota.reserve(100.0, write=True, max_wait=30) == 0.0


def test_only_rest_s_own_quota_counts_as_remaining() -> None:
    quota = Quota()
    quota.update({"x-ratelimit-remaining": "4321", "x-ratelimit-resource": "core"})
    quota.update({"x-ratelimit-remaining": "12", "x-ratelimit-resource": "graphql"})
    quota.update({"x-ratelimit-remaining": "many"})
    assert quota.remaining == 4321


def test_requests_are_scarce_below_a_tenth_until_the_hour_is_over() -> None:
    quota = Quota()
    assert not quota.is_scarce(1000.0), "nothing is known yet"
    quota.update({"x-ratelimit-remaining": "500", "x-ratelimit-reset": "2000"})
    assert not quota.is_scarce(1000.0)
    quota.update({"x-ratelimit-remaining": "499", "x-ratelimit-reset": "2000"})
    assert quota.is_scarce(1999.0)
    assert not quota.is_scarce(2000.0)
