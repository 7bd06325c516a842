"""Sessions, sign-ins, and what was asked for."""

from dataclasses import replace

from bot.store import RepositoryAccess, Session, Store, keys
from tests.support.web_server import ask_for_review

SESSION = Session("id", "mona", repositories=(RepositoryAccess(7, "octo/demo", write=True),))


async def test_a_session_is_found_until_it_ends(store: Store) -> None:
    await store.sessions.begin(SESSION, 60)
    assert await store.sessions.find("id") == SESSION
    assert 0 < await store.redis.ttl(keys.session("id")) <= 60
    await store.sessions.end("id")
    assert await store.sessions.find("id") is None


async def test_a_sign_in_is_completed_once(store: Store) -> None:
    await store.sessions.begin_sign_in("state", "verifier", 60)
    assert await store.sessions.end_sign_in("state") == ("verifier", "")
    assert await store.sessions.end_sign_in("state") is None


async def test_attempts_of_a_network_are_counted_for_a_span(store: Store) -> None:
    counts = [await store.sessions.count_attempt(name, 60) for name in ("a", "a", "b")]
    assert counts == [1, 2, 1]
    assert 0 < await store.redis.ttl(keys.sign_in_attempts("a")) <= 60


async def test_an_idempotency_key_is_of_whoever_sent_it_first(store: Store) -> None:
    first = await store.requests.claim_key("k", "r1", "body", 60)
    again = await store.requests.claim_key("k", "r2", "other", 60)
    assert first == again == ("r1", "body")


async def test_a_rejected_request_is_told_once(store: Store) -> None:
    review = await ask_for_review(store)
    await store.requests.reject(review.id, "No.")
    await store.requests.reject(review.id, "Never.")
    await store.requests.reject("unknown", "No.")
    found = await store.requests.find(review.id)
    assert found is not None
    assert found.error == "No."
    [event] = await store.events.page(review.id, "0")
    assert (event.kind, event.data.error, event.is_final) == ("failed", "No.", True)
    assert 3000 < await store.redis.ttl(keys.events(review.id)) <= 3600
    assert 3000 < await store.redis.ttl(keys.pending(review.id)) <= 3600


async def test_the_end_of_a_request_is_told_once_and_not_of_a_review_that_began(
    store: Store,
) -> None:
    for begun in (False, True):
        review = await ask_for_review(store)
        request = await store.requests.find(review.id)
        assert request is not None
        if begun:
            await store.reviews.open(review)
        for reason in ("No.", "Never."):
            await store.requests.end(review.id, request, reason)
        [event] = await store.events.page(review.id, "0")
        assert (event.data.error, event.is_final) == (("", False) if begun else ("No.", True))


async def test_a_head_that_got_no_review_is_known_for_a_while(store: Store) -> None:
    review = await ask_for_review(store)
    request = await store.requests.find(review.id)
    assert request is not None
    head = replace(request, repository_id=7, head_sha="a" * 40)
    await store.requests.end(review.id, head, "Nothing to review.")
    assert await store.pulls.at_head(7, "a" * 40) == [review.number]
    assert await store.requests.skipped_pull_number(review.id, 7) == review.number
    assert 3000 < await store.redis.ttl(keys.head(7, "a" * 40)) <= 3600
