"""Delete from an installation what Glossator never asks for; the Dockerfile runs this.

    /app/bin/python deploy/slim.py

works on the environment of the Python that runs it, and prints the megabytes of each step. What is
left makes the same prompts and reports. The lists of packages' files (RECORD) then name some which
are no longer there: only pip looks at them, and it goes as well.
"""

import argparse
import shutil
import subprocess
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


def web_fonts(packages: Path) -> Iterator[Path]:
    """Fonts as browsers read them; reports are set with the others."""
    folder = packages / "weblate_fonts/static"
    for pattern in ("*.woff2", "*.woff", "*.css"):
        yield from folder.rglob(pattern)


def installers(packages: Path) -> Iterator[Path]:
    """Programs that install packages."""
    for name in _INSTALLERS:
        yield from packages.glob(name)
        yield from packages.glob(f"{name}-*.dist-info")
    yield from packages.glob("distutils-precedence.pth")


STEPS = (unused_grammars, unused_locales, web_fonts, installers)


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


def strip(packages: Path) -> None:
    """Leave out of libraries the names of functions that nothing outside of them calls."""
    for path in packages.rglob("*.so*"):
        if path.is_file():
            stripped = path.with_name(f"{path.name}.stripped")
            subprocess.run(["strip", "--strip-unneeded", "-o", stripped, path], check=True)
            stripped.replace(path)  # some are in use by this process: the old file stays for it


def main() -> None:
    packages = Path(sysconfig.get_path("purelib"))
    before = size([packages])
    for step in STEPS:
        paths = list(step(packages))
        print(f"{step.__name__:<16} {size(paths) / 1e6:6.1f} MB, {len(paths)} files or folders")
        delete(paths)
    if shutil.which("strip"):
        unstripped = size([packages])
        strip(packages)
        print(f"{'strip':<16} {(unstripped - size([packages])) / 1e6:6.1f} MB")
    print(f"{'packages':<16} {before / 1e6:6.1f} -> {size([packages]) / 1e6:.1f} MB")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
