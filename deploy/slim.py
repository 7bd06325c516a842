"""Delete from an installation what Glossator never asks for; the Dockerfile runs this.

    /app/bin/python deploy/slim.py

works on the environment of the Python that runs it, and prints the megabytes of each step. What is
left makes the same prompts and reports. The lists of packages' files (RECORD) then name some which
are no longer there: only pip looks at them, and it goes as well.
"""

import argparse
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

#: What is installed with every environment, and only installs.
_INSTALLERS = ("pip", "setuptools", "pkg_resources", "_distutils_hack")


def unused_grammars(packages: Path) -> Iterator[Path]:
    """Grammars of languages that no file is taken for."""
    from bot.text.languages import GRAMMARS

    for path in (packages / "tree_sitter_language_pack/bindings").glob("*.so"):
        if path.name.partition(".")[0] not in GRAMMARS:
            yield path


def unused_locales(packages: Path) -> Iterator[Path]:
    """Locales of languages that reviews are not written in."""
    from templates.languages import Language

    kept = {"root", *(str(language).partition("-")[0] for language in Language)}
    for path in (packages / "babel/locale-data").glob("*.dat"):
        if path.name.partition(".")[0].partition("_")[0] not in kept:
            yield path


def unused_fonts(packages: Path) -> Iterator[Path]:
    """Fonts as browsers read them, and weights between and beyond the two of reports."""
    folder = packages / "weblate_fonts/static"
    for pattern in ("*.woff2", "*.woff", "*.css"):
        yield from folder.rglob(pattern)
    for weight in ("Black", "ExtraLight", "Light", "Medium", "Semibold"):
        yield from folder.rglob(f"*-{weight}*.ttf")


def installers(packages: Path) -> Iterator[Path]:
    """Programs that install packages."""
    for name in _INSTALLERS:
        yield from packages.glob(name)
        yield from packages.glob(f"{name}-*.dist-info")
    yield from packages.glob("distutils-precedence.pth")


STEPS = (unused_grammars, unused_locales, unused_fonts, installers)


def size(paths: Iterable[Path]) -> int:
    """Bytes of files, and of all files in folders."""
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file())


def delete(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def strip(paths: Iterable[Path]) -> None:
    """Leave out of libraries and programs the names that nothing outside of them asks for."""
    for path in paths:
        stripped = path.with_name(f"{path.name}.stripped")
        subprocess.run(["strip", "--strip-unneeded", "-o", stripped, path], check=True)
        stripped.replace(path)  # some are in use by this process: the old file stays for it


def compiled(packages: Path, programs: Path) -> Iterator[Path]:
    """Libraries of packages, and programs that are no scripts."""
    yield from (path for path in packages.rglob("*.so*") if path.is_file())
    for path in programs.iterdir():
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def pack(packages: Path) -> None:
    """Compress the grammars, which bot/text/grammars.py unpacks where that is possible."""
    if sys.platform != "linux":
        return
    from zstandard import ZstdCompressor

    for path in (packages / "tree_sitter_language_pack/bindings").glob("*.so"):
        target = path.with_name(f"{path.name}.zst")
        target.write_bytes(ZstdCompressor(level=12).compress(path.read_bytes()))
        path.unlink()


def main() -> None:
    packages, programs = (Path(sysconfig.get_path(name)) for name in ("purelib", "scripts"))
    before = left = size([packages, programs])
    for step in STEPS:
        paths = list(step(packages))
        delete(paths)
        left = told(step.__name__, left, size([packages, programs]))
    if shutil.which("strip"):
        strip(list(compiled(packages, programs)))
        left = told("strip", left, size([packages, programs]))
    pack(packages)
    left = told("pack", left, size([packages, programs]))
    print(f"{'all':<16} {before / 1e6:6.1f} -> {left / 1e6:.1f} MB")


def told(step: str, before: int, after: int) -> int:
    """Print what a step left out; returns what is there after it."""
    print(f"{step:<16} {(before - after) / 1e6:6.1f} MB")
    return after


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
