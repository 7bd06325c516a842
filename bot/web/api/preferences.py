"""/api/preferences: what teams do not want reported, for who may read their repositories; who may
write there edits and removes it. The page uses the same functions."""

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.domain.preferences import Preference
from bot.policy.preferences import globs, sentence
from bot.store import Action, AuditEntry, PreferenceRepository, Store, Way
from bot.web.api.problems import Problem, not_found
from bot.web.api.reviews import parse_body
from bot.web.api.schemas import EditPreferenceRequest, PreferenceList, PreferenceOut
from bot.web.auth.viewer import Viewer, caller
from bot.web.limits import TOO_MANY_LISTS

#: Repositories that one list looks at, by name.
MAX_REPOSITORIES = 200

NO_WORDS = "text needs a sentence, and paths at least one pattern without a backtick."

#: A repository, and its preferences by number.
Kept = tuple[PreferenceRepository, tuple[Preference, ...]]


async def index(request: Request) -> Response:
    """GET /api/preferences; `repository`."""
    user, name = await caller(request), request.query_params.get("repository", "")
    async with request.app.state.list_limiter.acquire(user.login) as allowed:
        if not allowed:
            raise Problem(429, TOO_MANY_LISTS, Retry_After="1")
        found = await kept_in(request, user, name)
    items = [_out(where, one) for where, kept in found for one in kept]
    return JSONResponse(PreferenceList(items=items).model_dump(mode="json"))


async def edit(request: Request) -> Response:
    """PUT /api/preferences/{repository_id}/{number}"""
    user = await caller(request)
    where, number = await addressed(request, user)
    params = await parse_body(request, EditPreferenceRequest)
    changed = await change(request, user, where, number, params.text, params.paths, Way.API)
    if changed is None:
        raise not_found()
    return JSONResponse(_out(where, changed).model_dump(mode="json"))


async def remove(request: Request) -> Response:
    """DELETE /api/preferences/{repository_id}/{number}"""
    user = await caller(request)
    where, number = await addressed(request, user)
    if not await forget(request, user, where, number, Way.API):
        raise not_found()
    return Response(status_code=204)


async def kept_in(request: Request, user: Viewer, name: str = "") -> list[Kept]:
    """What is kept in the repositories that they may read, or in the one of that name."""
    store: Store = request.app.state.store
    wanted = name.strip().casefold()
    repositories = [
        one
        for one in await store.preferences.repositories()
        if user.may_read_there(one.installation_id, one.id)
        and (not wanted or one.full_name.casefold() == wanted)
    ]
    days = request.app.state.settings.suppression_days
    found = [
        (one, await store.preferences.all(one.installation_id, one.id, days))
        for one in repositories[:MAX_REPOSITORIES]
    ]
    return [(where, kept) for where, kept in found if kept]


async def addressed(request: Request, user: Viewer) -> tuple[PreferenceRepository, int]:
    """The repository and the number in the address. Raises Problem for who may not write there, as
    for what does not exist."""
    store: Store = request.app.state.store
    id, number = (request.path_params[name] for name in ("repository_id", "number"))
    for one in await store.preferences.repositories():
        if str(one.id) == id and user.may_read_there(one.installation_id, one.id):
            if user.may_write(one.id) and number.isascii() and number.isdigit():
                return one, int(number[:9])
            break
    raise not_found()


async def change(
    request: Request,
    user: Viewer,
    where: PreferenceRepository,
    number: int,
    text: str,
    paths: list[str],
    way: Way,
) -> Preference | None:
    """Put it in other words or on other paths; None if it is not there. Raises Problem for no words
    or no paths."""
    words, patterns = sentence(text), globs(paths)
    if not words or not patterns:
        raise Problem(422, NO_WORDS)
    store: Store = request.app.state.store
    entry = AuditEntry(
        action=Action.PREFERENCE_EDITED,
        way=way,
        who=user.login,
        repository=where.full_name,
        detail=f"{number}: {words}",
    )
    at = where.installation_id, where.id, number
    return await store.preferences.edit(*at, words, patterns, audit=entry)


async def forget(
    request: Request, user: Viewer, where: PreferenceRepository, number: int, way: Way
) -> bool:
    """Whether it was there."""
    store: Store = request.app.state.store
    entry = AuditEntry(
        action=Action.PREFERENCE_REMOVED, way=way, who=user.login, repository=where.full_name
    )
    return await store.preferences.remove(where.installation_id, where.id, number, audit=entry)


def _out(where: PreferenceRepository, one: Preference) -> PreferenceOut:
    return PreferenceOut(**asdict(one) | {"repository_id": where.id, "repository": where.full_name})
