"""Installations without an organisation's defaults that we may read: GitHub is asked for them now
and then, and not for each review."""

from bot.store.store import PREFIX, Store

#: After so long it is asked again; there may be some by then.
SECONDS = 600


async def mark_missing(store: Store, installation_id: int) -> None:
    await store.redis.set(_key(installation_id), 1, ex=SECONDS)


async def are_missing(store: Store, installation_id: int) -> bool:
    """Whether there were none within the last SECONDS."""
    return bool(await store.redis.exists(_key(installation_id)))


def _key(installation_id: int) -> str:
    return f"{PREFIX}no-defaults:{installation_id}"
