"""What the image leaves out of an installation is never asked for."""

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, cast

import pytest
from babel import Locale

from bot.text.languages import GRAMMARS
from templates.languages import Language
from workers.scan.context.grammar_nodes import NODES
from workers.scan.leftover_uses import _FAMILIES

ROOT = Path(__file__).parents[2]
PACKAGES = Path(sysconfig.get_path("purelib"))


class Slim(Protocol):
    """The script `deploy/slim.py`."""

    STEPS: tuple[Callable[[Path], Iterator[Path]], ...]

    def unused_grammars(self, packages: Path) -> Iterator[Path]: ...
    def unused_locales(self, packages: Path) -> Iterator[Path]: ...
    def pack(self, packages: Path) -> None: ...
    def delete(self, paths: Iterable[Path]) -> None: ...


@pytest.fixture(scope="module")
def slim() -> Slim:
    spec = importlib.util.spec_from_file_location("slim", ROOT / "deploy/slim.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Slim, module)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folders that it deletes from, with empty files in place of the large ones."""
    for folder in ("tree_sitter_language_pack/bindings", "babel/locale-data", "weblate_fonts"):
        for path in (PACKAGES / folder).rglob("*"):
            target = tmp_path / path.relative_to(PACKAGES)
            if path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
    (tmp_path / "pip/commands").mkdir(parents=True)
    (tmp_path / "pip-26.3.dist-info").mkdir()
    (tmp_path / "pipeline").mkdir()
    return tmp_path


def _printed(program: str, *packages: Path) -> bytes:
    """What the program prints where these folders' packages come before the installed ones."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(map(str, (*packages, ROOT)))},
        capture_output=True,
        check=True,
    )
    return done.stdout


def test_every_grammar_that_a_file_is_parsed_with_stays(slim: Slim, copy: Path) -> None:
    bindings = copy / "tree_sitter_language_pack/bindings"
    before = {path.name.partition(".")[0] for path in bindings.glob("*.so")}
    slim.delete(list(slim.unused_grammars(copy)))
    after = {path.name.partition(".")[0] for path in bindings.glob("*.so")}
    assert after == before & GRAMMARS
    assert len(before - after) > 90
    assert NODES.keys() | _FAMILIES.keys() <= GRAMMARS


def test_every_language_of_reviews_has_its_locale(slim: Slim, copy: Path) -> None:
    slim.delete(list(slim.unused_locales(copy)))
    left = {path.stem for path in (copy / "babel/locale-data").glob("*.dat")}
    assert {"root", *(str(Locale.parse(one, sep="-")) for one in Language)} <= left | {"zh_CN"}
    assert {"zh", "zh_Hans", "zh_Hans_CN", "pt_BR"} <= left
    assert "sv" not in left


def test_each_language_writes_as_with_all_of_babel(slim: Slim, tmp_path: Path) -> None:
    shutil.copytree(PACKAGES / "babel", tmp_path / "babel")
    slim.delete(list(slim.unused_locales(tmp_path)))
    assert not (tmp_path / "babel/locale-data/sv.dat").exists()
    program = (
        "from templates.languages import *\n"
        "for language in Language:\n"
        "    with speaking(language):\n"
        "        print(number(1234), listed(['a', 'b', 'c']), plural(2, 'file'))\n"
    )
    assert _printed(program, tmp_path) == _printed(program)


def test_what_it_deletes_is_what_it_names(slim: Slim, copy: Path) -> None:
    for step in slim.STEPS:
        slim.delete(list(step(copy)))
    assert {path.name for path in copy.iterdir()} == {
        "tree_sitter_language_pack",
        "babel",
        "weblate_fonts",
        "pipeline",
    }
    fonts = {path.suffix for path in (copy / "weblate_fonts").rglob("*") if path.is_file()}
    assert ".ttf" in fonts
    assert not fonts & {".woff", ".woff2", ".css"}
    weights = {path.stem.partition("-")[2] for path in (copy / "weblate_fonts").rglob("*.ttf")}
    assert weights == {"Regular", "Rg", "It", "Bold", "Bd", "BoldIt"}
    report = (ROOT / "templates/report/report.typ").read_text()
    assert set(re.findall(r'weight: "?(\w+)', report)) == {"bold"}


def test_packed_grammars_parse_as_before(slim: Slim, tmp_path: Path) -> None:
    package = "tree_sitter_language_pack"
    some = {f"{name}.abi3.so" for name in ("python", "go", "kotlin")}

    def others(folder: str, names: list[str]) -> set[str]:
        return set(names) - some if folder.endswith("bindings") else set()

    shutil.copytree(PACKAGES / package, tmp_path / package, ignore=others)
    slim.pack(tmp_path)
    left = {path.name for path in (tmp_path / package / "bindings").iterdir()}
    assert left == {f"{name}.zst" for name in some}
    program = (
        "from bot.text.languages import tree_of\n"
        "for name, text in dict(python='x = [1]', go='package a', kotlin='val a = 1').items():\n"
        "    print(name, tree_of(name, text).root_node)\n"
    )
    assert _printed(program, tmp_path) == _printed(program)


def test_the_image_is_slim() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    run = lines.index(" && /app/bin/python slim.py")
    assert max(at for at, line in enumerate(lines) if "/app/bin/pip install" in line) < run
    assert run < lines.index("COPY --from=build /app /app")
