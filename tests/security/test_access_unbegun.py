"""What has not begun is as hidden as a review, and as open to who may read its repository."""

from dataclasses import replace

from bot.domain.model import Review, Trigger
from bot.store import pending
from bot.store.pending import Unbegun
from bot.web.auth.sessions import Granted
from tests.security.house import Credentials, House, check_headers, send, wrong

KNOWN = ("/reviews/{review_id}", "/api/reviews/{review_id}")


async def _unbegun(house: House) -> list[Review]:
    """What was asked for by name, and what was left alone."""
    asked, skipped = replace(house.done, id="1" * 26), replace(house.done, id="2" * 26)
    known = Unbegun(
        repository="octo/demo",
        number=12,
        trigger=Trigger.API,
        requested_by="mona",
        asked_at=house.store.now(),
    )
    await pending.note(house.store, asked.id, known)
    known = replace(known, repository_id=house.done.repository.id, head_sha="c" * 40)
    await pending.end(house.store, skipped.id, known, "The pull request is a draft.")
    return [asked, skipped]


async def test_what_has_not_begun_is_as_hidden_as_a_review(house: House) -> None:
    unknown = replace(house.done, id="0" * 26)
    for review in await _unbegun(house):
        for who in await wrong(house):
            for path in (*KNOWN, "/api/reviews/{review_id}/report.{form}"):
                answer = await send(house, "GET", path, who, review)
                other = await send(house, "GET", path, who, unknown)
                assert answer.status_code in (401, 404), (who.name, path)
                assert (answer.status_code, answer.text) == (other.status_code, other.text)


async def test_who_may_read_the_repository_knows_what_has_not_begun(house: House) -> None:
    named = Granted(house.done.repository.id, "Octo/Demo", write=False)
    reader = Credentials("", await house.session(named))
    for review in await _unbegun(house):
        for path in KNOWN:
            answer = await send(house, "GET", path, reader, review)
            assert answer.status_code == 200
            check_headers(answer)
    taken = Granted(house.done.repository.id + 1, "octo/demo", write=True)
    other = Credentials("", await house.session(taken))
    assert (await send(house, "GET", KNOWN[1], other, review)).status_code == 404, "by its id"
