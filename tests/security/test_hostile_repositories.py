"""Each hostile repository is reviewed, or refused in one clear sentence; nothing of it runs and
nothing of it stays."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config.settings import Settings, load
from bot.domain.model import PullRequest
from tests.support.pulls import PULL
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from workers.scan.repository.clone import Source
from workers.scan.repository.errors import CloneError
from workers.scan.scan import Scanned

from .hostile.case import BAD, BASE, Files
from .hostile.objects import objects
from .hostile.programs import programs
from .hostile.shapes import shapes

_NAMES = [*programs(Path("/canary")), *shapes()]
_SENTENCE = re.compile(r"[A-Z][^\n]{10,250}\.")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "upstream.git")


@pytest.fixture
def settings() -> Settings:
    return load(_env_file=None, llm_model="some-model")


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that would prove execution, in the working directory as well; afterwards no
    temporary directory and no process is left."""
    scratch, place = tmp_path / "scratch", tmp_path / "place"
    scratch.mkdir()
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.chdir(place)
    yield place / "canary"
    assert os.listdir(place) == []
    assert os.listdir(scratch) == []
    assert not [line for line in _processes() if str(tmp_path) in line]


def _processes() -> list[str]:
    """Working directory and command line of every process but this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1")
                found.append(f"{os.readlink(entry / 'cwd')} {command}")
            except OSError:
                continue
    return found


async def _scanned(source: Source, settings: Settings) -> Scanned:
    return await scanned(source, settings, pull=_pull(source))


def _pull(source: Source) -> PullRequest:
    return replace(
        PULL,
        number=source.number,
        base_sha=source.merge_base,
        head_sha=source.head_sha,
    )


def _check_reported(result: Scanned) -> None:
    """The defect that is there is told, and every path can be shown."""
    assert "bad.py" in [item.path for item in result.scan.evidence], result.scan.notes
    shown = [file.path for file in result.scan.files] + [item.path for item in result.scan.skipped]
    assert all(path.isprintable() for path in shown)
    everything = repr((result.scan, result.batches))
    assert "root:x:0:0" not in everything
    assert "PATH=" not in everything


def test_the_corpus_is_large() -> None:
    assert len(_NAMES) + len(objects()) >= 60


@pytest.mark.variations(3)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[] if number % 6 == 0 and name != "nested code" else pytest.mark.slow
        )
        for number, name in enumerate(_NAMES)
    ],
)
async def test_a_hostile_tree_is_reviewed_and_runs_nothing(
    name: str, repository: Repository, settings: Settings, canary: Path
) -> None:
    hostile = {**programs(canary), **shapes()}[name]
    _check_reported(await _scanned(hostile.build(repository), settings))


@pytest.mark.variations(3)
@pytest.mark.parametrize("name", objects())
async def test_hostile_objects_are_reviewed_or_refused_in_a_sentence(
    name: str, repository: Repository, settings: Settings, canary: Path, tmp_path: Path
) -> None:
    source = objects()[name](repository)
    refusal = ""
    try:
        _check_reported(await _scanned(source, settings))
    except CloneError as error:
        refusal = str(error)
    assert not refusal or _SENTENCE.fullmatch(refusal), refusal
    assert str(tmp_path) not in refusal


def _imported(repository: Repository, blobs: str, count: int, name: str) -> Source:
    """A change made by `git fast-import`, which makes many or large files in seconds."""
    base = repository.commit(BASE)
    bad = str(BAD["bad.py"])
    entries = "".join(f"M 100644 :1 {name.format(n)}\n" for n in range(count))
    stream = (
        f"{blobs}commit refs/heads/change\ncommitter a <a@example.org> 1 +0000\ndata 1\nx\n"
        f"from {base}\nM 100644 inline bad.py\ndata {len(bad)}\n{bad}\n{entries}"
    )
    repository.git("fast-import", "--quiet", stdin=stream.encode())
    return repository.pull(base, repository.git("rev-parse", "refs/heads/change"))


@pytest.mark.parametrize("count", [5000, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_very_many_files_are_reviewed_and_counted(
    count: int, repository: Repository, settings: Settings, canary: Path
) -> None:
    source = _imported(repository, "blob\nmark :1\ndata 2\nx\n", count, "many/{0}/{0}.txt")
    result = await _scanned(source, settings)
    _check_reported(result)
    assert len(result.scan.skipped) <= 1001


@pytest.mark.slow
async def test_a_gigabyte_of_zeros_is_skipped(
    repository: Repository, settings: Settings, canary: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    oid = repository.git("-c", "core.bigFileThreshold=16m", "hash-object", "-w", str(large))
    base = repository.commit(BASE)
    tree = repository.raw_tree(
        [
            ("100644", b"bad.py", repository.blob(str(BAD["bad.py"]).encode())),
            ("100644", b"large.py", oid),
        ]
    )
    result = await _scanned(repository.pull(base, repository.commit_of(tree, base)), settings)
    _check_reported(result)
    assert [(i.path, i.text) for i in result.scan.skipped if i.path == "large.py"] == [
        ("large.py", "larger than 1 MB")
    ]


async def test_a_repository_larger_than_allowed_is_refused_and_deleted(
    repository: Repository, settings: Settings, canary: Path
) -> None:
    noise: Files = {f"{n}.txt": os.urandom(1 << 20) for n in range(4)}
    source = repository.change(BASE, {**BASE, **BAD, **noise})
    with pytest.raises(CloneError, match="larger than 1 MB; raise CLONE_MB"):
        await _scanned(source, settings.model_copy(update={"clone_mb": 1}))
