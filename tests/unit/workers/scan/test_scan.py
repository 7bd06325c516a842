"""The whole step over real repositories, friendly and hostile."""

import os
import resource
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.diff import FileStatus
from bot.domain.model import Category, Severity
from bot.domain.progress import Progress
from bot.domain.reasons import FileSkipReason
from templates.languages import Language
from tests.support import run_scan
from tests.support.repositories import Repository
from workers.scan import scan as scan_module
from workers.scan.repository.clone import Source
from workers.scan.repository.errors import CloneError
from workers.scan.scan import Scanned

DEFAULTS = RepoConfig()

Files = Mapping[str | bytes, str | bytes]


async def scanned(
    source: Source,
    settings: Settings,
    config: RepoConfig = DEFAULTS,
    focus: Category | None = None,
) -> tuple[Scanned, list[Progress]]:
    progress_reports: list[Progress] = []

    async def on_progress(progress: Progress) -> None:
        progress_reports.append(progress)

    result = await run_scan.scanned(source, settings, config, focus=focus, on_progress=on_progress)
    return result, progress_reports


def reasons(result: Scanned) -> dict[str, str]:
    return {item.path: item.text for item in result.scan.skipped}


async def test_a_change_becomes_evidence_and_batches(
    repository: Repository, settings: Settings, scratch: Path
) -> None:
    before: Files = {
        "app/shop.py": "def total(cart):\n    return 0\n",
        "app/util.py": "def price(x):\n    return x\n",
    }
    after: Files = {
        **before,
        "app/shop.py": "from app.util import price\n\n\ndef total(cart):\n    return price(crat)\n",
        "poetry.lock": "x\n",
    }
    result, progress_reports = await scanned(repository.change(before, after), settings)

    (finding,) = result.scan.evidence
    assert (finding.path, finding.start_line, finding.source) == ("app/shop.py", 5, "ruff:F821")
    assert finding.fingerprint
    assert reasons(result) == {"poetry.lock": "lock file"}
    assert {(f.path, f.status) for f in result.scan.files} == {
        ("app/shop.py", FileStatus.MODIFIED),
        ("poetry.lock", FileStatus.ADDED),
    }
    ((file,),) = (batch.files for batch in result.batches)
    assert file.evidence == (finding,)
    assert [(s.role, s.path) for s in file.context] == [("definition", "app/util.py")]
    percents = [progress.percent for progress in progress_reports]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (5, 17)
    assert os.listdir(scratch) == []


async def test_without_an_llm_there_is_evidence_and_no_batch(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change({"a.py": "x = 1\n"}, {"a.py": "x = y\n"})
    result, _ = await scanned(source, settings.model_copy(update={"llm_model": ""}))
    assert len(result.scan.evidence) == 1
    assert result.batches == ()


async def test_an_analyzer_disabled_by_server_or_repository_reports_nothing(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(
        {"a.py": ""}, {"a.py": "import subprocess\nx = y\nsubprocess.call(x, shell=True)\n"}
    )
    here = settings.model_copy(update={"analyzers_disabled": ("oxlint",)})
    result, _ = await scanned(source, here, RepoConfig(analyzers_disabled=("secrets",)))
    assert {item.source.partition(":")[0] for item in result.scan.evidence} == {"ruff"}
    nothing = RepoConfig(analyzers_disabled=("ruff",))
    result, _ = await scanned(source, here, nothing)
    assert result.scan.evidence == ()


async def test_an_unknown_name_is_told_to_who_wrote_it(
    repository: Repository, settings: Settings
) -> None:
    """The repository's in its review; the server's setting is none of its business."""
    source = repository.change({"a.py": ""}, {"a.py": "x = 1\n"})
    here = settings.model_copy(update={"analyzers_disabled": ("ruf",)})
    result, _ = await scanned(source, here)
    assert result.scan.notes == ()
    result, _ = await scanned(source, here, RepoConfig(analyzers_disabled=("ruff", "eslint")))
    [note] = result.scan.notes
    known = "The analyzers are ruff, secrets,"
    assert note.startswith(f"`analyzers.disabled` has unknown names: eslint. {known}")


async def test_a_focus_keeps_its_own_category(repository: Repository, settings: Settings) -> None:
    source = repository.change(
        {"a.py": ""}, {"a.py": "import subprocess\nx = y\nsubprocess.call(x, shell=True)\n"}
    )
    result, _ = await scanned(source, settings, focus=Category.SECURITY)
    assert {item.category for item in result.scan.evidence} == {Category.SECURITY}


async def test_a_repositorys_categories_hold_for_evidence_too(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(
        {"a.py": ""}, {"a.py": "import subprocess\nx = y\nsubprocess.call(x, shell=True)\n"}
    )
    result, _ = await scanned(source, settings, RepoConfig(categories=(Category.CORRECTNESS,)))
    assert {item.category for item in result.scan.evidence} == {Category.CORRECTNESS}


async def test_files_are_read_again_once_less_severe_findings_are_wanted(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change({"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})
    severe, _ = await scanned(source, settings, RepoConfig(min_severity=Severity.HIGH))
    same, _ = await scanned(source, settings, RepoConfig(min_severity=Severity.HIGH))
    all_of_them, _ = await scanned(source, settings, RepoConfig(min_severity=Severity.INFO))
    assert severe.scan.file_result_keys == same.scan.file_result_keys
    assert severe.scan.file_result_keys != all_of_them.scan.file_result_keys


async def test_files_are_read_again_once_another_language_is_wanted(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change({"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})
    plain, _ = await scanned(source, settings)
    english, _ = await scanned(source, settings, RepoConfig(language=Language.ENGLISH))
    german, _ = await scanned(source, settings, RepoConfig(language=Language.GERMAN))
    assert english.scan.file_result_keys == plain.scan.file_result_keys
    assert german.scan.file_result_keys != plain.scan.file_result_keys


async def test_a_renamed_file_is_one_file_with_its_small_change(
    repository: Repository, settings: Settings
) -> None:
    body = "".join(f"a{n} = {n}\n" for n in range(40))
    result, _ = await scanned(
        repository.change({"old.py": body}, {"new.py": body + "b = c\n"}), settings
    )
    (summary,) = result.scan.files
    assert (summary.path, summary.status, summary.additions) == ("new.py", FileStatus.RENAMED, 1)
    ((file,),) = (batch.files for batch in result.batches)
    assert file.file.old_path == "old.py"


async def test_no_more_files_than_allowed_and_the_riskiest_first(
    repository: Repository, settings: Settings
) -> None:
    prose: Files = {f"docs/{n}.md": "text\n" for n in range(5)}
    files: Files = {**prose, **{f"src/{n}.py": "x = 1\n" for n in range(4)}}
    source = repository.change({"a": ""}, {"a": "", **files})
    result, _ = await scanned(source, settings, RepoConfig(max_files=4))
    read = {file.file.path for batch in result.batches for file in batch.files}
    assert read == {f"src/{n}.py" for n in range(4)}
    assert set(reasons(result)) == {f"docs/{n}.md" for n in range(5)}


async def test_200_files_and_a_generated_one_of_20_000_lines(
    repository: Repository, settings: Settings
) -> None:
    files: Files = {f"src/m{n}.py": "def f():\n    return 1\n" * 30 for n in range(200)}
    big = "# Code generated by x. DO NOT EDIT.\n" + "x = 1\n" * 20_000
    source = repository.change({"a": ""}, {"a": "", "src/login_admin.py": big, **files})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result, _ = await scanned(source, settings)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
    assert len({f.file.path for batch in result.batches for f in batch.files}) == 40
    assert len(result.scan.files) == 201
    assert len(result.scan.skipped) == 161
    assert "generated" in reasons(result)["src/login_admin.py"]
    assert grown < 150 << 10


async def test_a_symlink_out_of_the_tree_is_named_and_never_followed(
    repository: Repository, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "secret.py").write_text("password = 'outside-the-tree'\n")
    after: Files = {
        "a.py": "x = y\n",
        "link.py": str(tmp_path / "secret.py"),
        "passwd": "/etc/passwd",
    }
    modes = {"link.py": "120000", "passwd": "120000"}
    result, _ = await scanned(repository.change({"a.py": "\n"}, after, modes), settings)
    assert reasons(result) == {"link.py": "symbolic link", "passwd": "symbolic link"}
    assert "outside-the-tree" not in repr(result)


async def test_a_submodule_is_named_and_never_fetched(
    repository: Repository, settings: Settings
) -> None:
    after: Files = {"a.py": "x = y\n", "sub": "1" * 40}
    result, _ = await scanned(repository.change({"a.py": "\n"}, after, {"sub": "160000"}), settings)
    assert reasons(result) == {"sub": "submodule"}


async def test_a_file_that_becomes_a_link_is_not_read(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(
        {"a.py": "x = 1\n", "b.py": "\n"},
        {"a.py": "/etc/passwd", "b.py": "x = y\n"},
        {"a.py": "120000"},
    )
    result, _ = await scanned(source, settings)
    assert reasons(result) == {"a.py": "symbolic link"}
    assert [item.path for item in result.scan.evidence] == ["b.py"]


async def test_the_change_cannot_take_itself_out_of_the_review(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(
        {".gitattributes": "gen/* linguist-generated\n"},
        {".gitattributes": "* linguist-generated\n", "a.py": "x = y\n", "gen/a.py": "x = y\n"},
    )
    result, _ = await scanned(source, settings)
    assert [item.path for item in result.scan.evidence] == ["a.py"]
    assert reasons(result)["gen/a.py"] == "marked as generated in .gitattributes"


async def test_what_a_project_declares_for_itself_counts_from_its_base(
    repository: Repository, settings: Settings
) -> None:
    """Its builtins and its oldest Python, those of the nearest folder; the change cannot declare
    its own mistakes away."""
    before: Files = {
        "pyproject.toml": '[tool.ruff]\nbuiltins = ["_"]\ntarget-version = "py39"\n',
        "new/pyproject.toml": '[project]\nrequires-python = ">=3.12"\n',
    }
    code = "print(_('a'), theirs)\nmatch 1:\n    case 1:\n        pass\n"
    after: Files = {
        "pyproject.toml": '[tool.ruff]\nbuiltins = ["_", "theirs"]\n',
        "new/pyproject.toml": before["new/pyproject.toml"],
        "old/a.py": code,
        "new/a.py": code,
    }
    result, _ = await scanned(repository.change(before, after), settings)
    found = {(item.path, item.source, item.title.split(" on ")[0]) for item in result.scan.evidence}
    assert found == {
        ("new/a.py", "ruff:F821", "Undefined name `theirs`"),
        ("old/a.py", "ruff:F821", "Undefined name `theirs`"),
        ("old/a.py", "ruff:newer-syntax", "Syntax error: Cannot use `match` statement"),
    }


async def test_reviewed_files_are_reported_when_skipped_ones_are_not_all_listed(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.scan.selection.file_selection.MAX_NAMED", 2)
    locks: dict[str | bytes, str | bytes] = {f"{name}/poetry.lock": "x\n" for name in "abcde"}
    source = repository.change({"a.py": "\n"}, {"a.py": "x = y\n", **locks})
    scan = (await scanned(source, settings))[0].scan
    assert scan.reviewed_paths == ("a.py",)
    assert scan.skipped_unlisted == 3
    assert [item.path for item in scan.skipped][2:] == ["3 more files"]


async def test_a_change_of_nothing_is_an_empty_scan(
    repository: Repository, settings: Settings
) -> None:
    result, _ = await scanned(repository.change({"a": "1"}, {"a": "1"}), settings)
    assert (result.scan.files, result.scan.evidence, result.batches) == ((), (), ())


async def test_a_missing_repository_is_reported(settings: Settings, tmp_path: Path) -> None:
    source = Source(f"file://{tmp_path}/nowhere", "", "1" * 40, "2" * 40, 1)
    with pytest.raises(CloneError, match=r"\.$") as caught:
        await scanned(source, settings)
    assert str(tmp_path) not in str(caught.value)


async def test_a_review_goes_on_without_context_when_it_cannot_be_fetched(
    repository: Repository, settings: Settings
) -> None:
    """The blob of the imported file is gone from the server: only the context needs it."""
    before: Files = {"a.py": "import helper\n", "helper.py": "def f():\n    return 1\n"}
    after: Files = {**before, "a.py": "import helper\n\nhelper.f()\nx = y\n"}
    source = repository.change(before, after)
    blob = repository.blob(b"def f():\n    return 1\n")
    os.unlink(repository.path / "objects" / blob[:2] / blob[2:])
    result, _ = await scanned(source, settings)
    assert [item.source for item in result.scan.evidence] == ["ruff:F821"]
    assert len(result.batches) == 1
    (note,) = result.scan.notes
    assert note.startswith("Other files of the repository were not read for context")


async def test_what_is_cut_into_more_batches_than_are_read_is_named(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cap that `docs/security.md` names, made small here: each batch costs calls of the LLM."""
    assert scan_module.MAX_BATCHES == 60
    files: Files = {
        f"d{n}/m{n}.py": "".join(f"x{i} = {i * n}\n" for i in range(400)) for n in range(6)
    }
    small = settings.model_copy(update={"llm_context_tokens": 5000, "batch_files": 1})
    result, _ = await scanned(repository.change({"a.py": "x = 1\n"}, files), small)
    assert len(result.batches) > 3

    monkeypatch.setattr(scan_module, "MAX_BATCHES", 3)
    result, _ = await scanned(repository.change({"a.py": "x = 1\n"}, files), small)
    assert len(result.batches) == 3
    left = [item for item in result.scan.skipped if item.reason is FileSkipReason.BATCH_LIMIT]
    shown = {path for batch in result.batches for path in batch.paths}
    assert {item.path for item in left} | shown == set(files)
    assert all(item.detail == "3" for item in left)
