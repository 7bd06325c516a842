"""What is kept of a pull request, and for how long."""

from bot.store import PostedSummary, PullState, Store, keys
from tests.support.web_server import open_review


async def test_what_is_known_of_a_pull_request_lasts_as_long_as_it_is_used(store: Store) -> None:
    review = await open_review(store)
    key = keys.pull(review.repository.id, review.number)
    assert 3000 < await store.redis.ttl(key) <= 3600
    await store.redis.expire(key, 60)
    assert (await store.pulls.get(review.repository.id, review.number)).current == review.id
    assert 3000 < await store.redis.ttl(key) <= 3600
    assert await store.pulls.get(7, 4) == PullState()
    assert not await store.redis.exists(keys.pull(7, 4))


async def test_a_pause_of_a_pull_request_that_was_never_reviewed_does_not_stay_for_ever(
    store: Store,
) -> None:
    await store.pulls.pause(7, 4, "ada")
    assert 3000 < await store.redis.ttl(keys.pull(7, 4)) <= 3600


async def test_a_pause_ends_with_its_resumption(store: Store) -> None:
    await store.pulls.pause(7, 4, "ada")
    assert (await store.pulls.get(7, 4)).paused == "ada"
    await store.pulls.resume(7, 4)
    assert await store.pulls.get(7, 4) == PullState()


async def test_posted_findings_and_their_summary_are_kept(store: Store) -> None:
    summary = PostedSummary(id=1, node_id="n", fingerprints=frozenset({"a"}))
    assert await store.pulls.posted_summary(7, 4) is None
    await store.pulls.save_posted_summary(7, 4, summary)
    assert await store.pulls.posted_summary(7, 4) == summary
    await store.pulls.add_posted(7, 4, ["a", "b"])
    await store.pulls.remove_posted(7, 4, ["a"])
    await store.pulls.remove_posted(7, 4, [])
    assert await store.pulls.posted(7, 4) == {"b"}


async def test_missing_defaults_are_remembered_for_a_while(store: Store) -> None:
    assert not await store.pulls.defaults_missing(9)
    await store.pulls.mark_defaults_missing(9)
    assert await store.pulls.defaults_missing(9)
    assert 0 < await store.redis.ttl(keys.missing_defaults(9)) <= 600
