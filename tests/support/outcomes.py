"""Three months of made-up outcomes: a team that learns to trust us, and one that does not."""

from random import Random

from bot.domain.model import Category, Effort, Severity
from bot.domain.outcomes import FindingOutcome, PostedFinding, Signal
from bot.store import Seen, Store, keys

DAY = 86_400

#: Of a hundred findings, how many end so: at first, and three months later.
_FATES: tuple[tuple[tuple[Signal, ...], int, int], ...] = (
    ((Signal.FIXED,), 25, 45),
    ((Signal.FIXED, Signal.COMMITTED), 5, 20),
    ((Signal.THUMBS_UP,), 3, 8),
    ((Signal.DISMISSED,), 20, 5),
    ((Signal.THUMBS_DOWN,), 10, 2),
    ((Signal.ANSWERED,), 10, 8),
    ((Signal.OUTDATED,), 7, 4),
    ((), 20, 8),
)
_SOURCES = (("llm", ("llm",)), ("ruff", ("ruff:S602",)), ("llm+ruff", ("llm", "ruff:F821")))


async def three_months(store: Store, seed: int = 1) -> tuple[FindingOutcome, ...]:
    """Findings of two repositories, each pull request merged a day later; those of the last two
    days are open. Returns all."""
    random = Random(seed)
    now = await store.time()
    numbers = {11: 0, 12: 0}
    for days_ago in range(89, -1, -1):
        for repository_id, name in ((11, "octo/demo"), (12, "octo/shop")):
            numbers[repository_id] += 1
            where = repository_id, numbers[repository_id]
            posted_at = now - days_ago * DAY - random.randrange(3600)
            found = [_finding(random, name, index) for index in range(random.randrange(0, 7))]
            await _record(store, random, where, found, posted_at, days_ago)
    made, _ = await store.outcomes.since(0, lambda _: True)
    return made


def _finding(random: Random, repository: str, index: int) -> PostedFinding:
    source, sources = random.choice(_SOURCES)
    has_model = "llm" in source
    return PostedFinding(
        repository=repository,
        review="01A",
        fingerprint=f"{random.getrandbits(60):016x}",
        path=f"src/part{index}.py",
        title="=cmd() | <b>hostile</b> & `code`"
        if index == 0
        else "The total leaves out the last item",
        category=random.choice(list(Category)),
        severity=random.choice(list(Severity)[:4]),
        source=source,
        sources=sources,
        model=random.choice(("gpt-5-mini", "qwen3-coder")) if has_model else "",
        effort=random.choice(list(Effort)),
        inline=index < 5,
    )


async def _record(
    store: Store,
    random: Random,
    where: tuple[int, int],
    found: list[PostedFinding],
    posted_at: float,
    days_ago: int,
) -> None:
    await store.outcomes.record_posted(*where, found, review="01A", days=180)
    late = (89 - days_ago) / 89
    weights = [round((begin * (1 - late) + end * late) * 10) for _, begin, end in _FATES]
    times: dict[str, float] = {}
    for one in found:
        times[f"posted:{one.fingerprint}"] = posted_at
        fate = random.choices(_FATES, weights)[0][0] if days_ago > 1 else ()
        seen = [Seen(one.fingerprint, signal, "=1+1 it is ours") for signal in fate]
        await store.outcomes.record_seen(*where, seen, review="01B", days=180)
        for signal in fate:
            times[f"{signal}:{one.fingerprint}"] = posted_at + random.randrange(600, DAY)
    if found and days_ago > 1:
        await store.outcomes.record_end(*where, merged=True, days=180)
        times["merged"] = posted_at + DAY
    if times:  # the store knows no other time than now
        await store.redis.hset(keys.outcomes(*where), mapping={n: str(t) for n, t in times.items()})
        member = {f"{where[0]}:{where[1]}": posted_at}
        await store.redis.zadd(keys.OUTCOME_PULLS, member)
