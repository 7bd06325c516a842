"""Imports of libraries without what they would import besides only because it is there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def blocked_import(name: str) -> Iterator[None]:
    """Within, the package `name` cannot be imported; afterwards it is as it was."""
    previous = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if previous is not None:
            sys.modules[name] = previous
