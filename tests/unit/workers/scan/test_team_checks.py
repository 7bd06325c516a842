"""Which of the team's checks apply to a change, and what of it is hidden from them."""

from collections.abc import Mapping

from bot.config.repository_config import RepoConfig, TeamCheck
from bot.config.settings import Settings
from bot.domain.team_checks import CheckScope
from tests.support.repositories import Repository
from tests.support.run_scan import scanned

Files = Mapping[str | bytes, str | bytes]


def checks(**paths: tuple[str, ...]) -> tuple[TeamCheck, ...]:
    return tuple(TeamCheck(name=name, instruction="x", paths=each) for name, each in paths.items())


async def test_a_check_applies_by_the_paths_of_the_change_and_sees_all_of_it(
    repository: Repository, settings: Settings
) -> None:
    before: Files = {"a.py": "x = 1\n", "db/1.sql": "SELECT 1;\n" * 9, "db/2.sql": "SELECT 2;\n"}
    after: Files = {
        "a.py": "x = 2\n",
        "old/1.sql": "SELECT 1;\n" * 9,
        "poetry.lock": "a lock\n",
        "gen.sql": "-- @generated\nSELECT 3;\n",
    }
    config = RepoConfig(
        checks=checks(
            every=(),
            moved=("db/1.sql",),
            deleted=("db/2.sql",),
            lock=("*.lock",),
            sql=("*.sql",),
            docs=("docs/",),
        )  # fmt: skip
    )
    result = await scanned(repository.change(before, after), settings, config)
    assert result.scan.checks == (
        CheckScope("every"),
        CheckScope("moved"),
        CheckScope("deleted"),
        CheckScope("lock", hidden=("poetry.lock",)),
        CheckScope("sql", hidden=("gen.sql",)),
        CheckScope("docs", applies=False),
    )
    batch = result.checks
    assert batch is not None
    assert [scope.name for scope in batch.checks] == ["every", "moved", "deleted", "lock", "sql"]
    assert [part.file.path for part in batch.files] == ["a.py"]
    assert batch.paths == (), "it reads no file for findings"
    assert sorted(batch.overview) == [
        "db/2.sql: deleted",
        "gen.sql: changed, not shown (generated (according to its first lines))",
        "old/1.sql: renamed from db/1.sql, not changed",
        "poetry.lock: changed, not shown (lock file)",
    ]


async def test_what_a_limit_leaves_out_is_hidden_from_every_check(
    repository: Repository, settings: Settings
) -> None:
    after: Files = {"a.py": "x = 1\n", "b.py": "x = 2\n", "c.txt": "x\n"}
    config = RepoConfig(checks=checks(every=(), text=("*.txt",), python=("*.py",)), max_files=2)
    result = await scanned(repository.change({}, after), settings, config)
    hidden = {scope.name: scope.hidden for scope in result.scan.checks}
    [left] = [item.path for item in result.scan.skipped]
    assert hidden["every"] == (left,)
    assert {hidden["text"], hidden["python"]} == {(left,), ()}


async def test_without_an_llm_it_is_known_which_do_not_apply(
    repository: Repository, settings: Settings
) -> None:
    settings = settings.model_copy(update={"llm_model": ""})
    config = RepoConfig(checks=checks(python=("*.py",), docs=("docs/",)))
    result = await scanned(repository.change({}, {"a.py": "x = 1\n"}), settings, config)
    assert [scope.applies for scope in result.scan.checks] == [True, False]
    assert result.checks is None
