"""Installations without an organisation's defaults that we may read: GitHub is asked for them now
and then, and not for each review."""

from bot.store import keys
from bot.store.store import Store

#: After so long it is asked again; there may be some by then.
SECONDS = 600


async def mark_missing(store: Store, installation_id: int) -> None:
    await store.redis.set(keys.missing_defaults(installation_id), 1, ex=SECONDS)


async def are_missing(store: Store, installation_id: int) -> bool:
    """Whether there were none within the last SECONDS."""
    return bool(await store.redis.exists(keys.missing_defaults(installation_id)))
