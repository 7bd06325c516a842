"""The grammars that code is parsed by (offline).

The wheel of tree-sitter-language-pack 0.x carries them as libraries, which are tables for the most
part: the image has them compressed to a twentieth, `deploy/slim.py`. Such a grammar is unpacked
into memory when it is first asked for, which takes a few milliseconds.
"""

import importlib.util
import os
import sys
import tempfile
from functools import cache
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import cast

import tree_sitter_language_pack
import zstandard
from tree_sitter import Language
from tree_sitter_language_pack import SupportedLanguage, get_language

_FOLDER = Path(tree_sitter_language_pack.__file__).parent / "bindings"


@cache
def grammar(language: str) -> Language:
    """The grammar of one of `bot.text.languages.GRAMMARS`. Raises LookupError for any other."""
    packed = _FOLDER / f"{language}.abi3.so.zst"
    if packed.is_file():
        _load(f"{tree_sitter_language_pack.__name__}.bindings.{language}", packed)
    return get_language(cast(SupportedLanguage, language))


def _load(name: str, packed: Path) -> None:
    library = zstandard.ZstdDecompressor().decompress(packed.read_bytes())
    try:
        # Never closed: the linker knows libraries by their path, so that no other may get this one.
        memory = os.memfd_create(name)
        with open(memory, "wb", closefd=False) as target:
            target.write(library)
        _import(name, f"/proc/self/fd/{memory}")
    except (OSError, ImportError):  # a hardened kernel runs nothing that is in memory alone
        with tempfile.NamedTemporaryFile(suffix=".so") as file:
            file.write(library)
            file.flush()
            _import(name, file.name)


def _import(name: str, path: str) -> None:
    """Import a library as the module of that name, as if it were a file of it."""
    loader = ExtensionFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module
