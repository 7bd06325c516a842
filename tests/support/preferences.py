"""Preferences, as people had them kept."""

from dataclasses import replace
from typing import Any

from bot.domain.model import Repository
from bot.domain.preferences import Preference
from bot.store import Action, AuditEntry, Store, Way

#: That of the reviews of `tests.support.web_server`.
REPOSITORY = Repository(installation_id=7, id=11, full_name="octo/demo")


def preference(store: Store, text: str = "It “is” ours: \\ ü", **changes: Any) -> Preference:
    made = Preference(
        text=text,
        paths=("src/**", "*.py"),
        repository="octo/demo",
        pull=3,
        fingerprint="00000000000000a1",
        category="correctness",
        rule="llm",
        kept_by="mona",
        kept_at=store.now(),
    )
    return replace(made, **changes)


async def keep_preference(
    store: Store, repository: Repository = REPOSITORY, **changes: Any
) -> Preference:
    """One that is kept in Redis, with its number."""
    made = preference(store, **changes)
    entry = AuditEntry(action=Action.PREFERENCE_KEPT, way=Way.COMMENT, who=made.kept_by)
    number = await store.preferences.keep(repository, made, entry)
    assert number is not None
    return replace(made, number=number)
