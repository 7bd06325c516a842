"""What has not begun is as hidden as a review, and as open to who may read its repository."""

from dataclasses import replace

from bot.domain.model import Review, Trigger
from bot.store import PendingRequest, RepositoryAccess
from tests.security.tenants import Credentials, TenantServer, check_headers, send, wrong

KNOWN = ("/reviews/{review_id}", "/api/reviews/{review_id}")


async def _pending_reviews(server: TenantServer) -> list[Review]:
    """What was asked for by name, and what was left alone."""
    requested, skipped = replace(server.done, id="1" * 26), replace(server.done, id="2" * 26)
    known = PendingRequest(
        repository="octo/demo",
        number=12,
        trigger=Trigger.API,
        requested_by="mona",
        requested_at=server.store.now(),
    )
    await server.store.requests.add(requested.id, known)
    known = replace(known, repository_id=server.done.repository.id, head_sha="c" * 40)
    await server.store.requests.end(skipped.id, known, "The pull request is a draft.")
    return [requested, skipped]


async def test_a_pending_request_is_as_private_as_a_review(server: TenantServer) -> None:
    unknown = replace(server.done, id="0" * 26)
    for review in await _pending_reviews(server):
        for who in await wrong(server):
            for path in (*KNOWN, "/api/reviews/{review_id}/report.{form}"):
                answer = await send(server, "GET", path, who, review)
                other = await send(server, "GET", path, who, unknown)
                assert answer.status_code in (401, 404), (who.name, path)
                assert (answer.status_code, answer.text) == (other.status_code, other.text)


async def test_readers_of_the_repository_see_pending_requests(server: TenantServer) -> None:
    by_name = RepositoryAccess(server.done.repository.id, "Octo/Demo", write=False)
    reader = Credentials("", await server.session(by_name))
    for review in await _pending_reviews(server):
        for path in KNOWN:
            answer = await send(server, "GET", path, reader, review)
            assert answer.status_code == 200
            check_headers(answer)
    renamed_repository = RepositoryAccess(server.done.repository.id + 1, "octo/demo", write=True)
    other = Credentials("", await server.session(renamed_repository))
    assert (await send(server, "GET", KNOWN[1], other, review)).status_code == 404, "by its id"
