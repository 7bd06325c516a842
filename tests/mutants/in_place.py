"""Tries mutants on tests that were collected once: in a fork for each, functions get changed code.

What a function decided while modules were imported stays as it was, so who survives here is tried
once more on modules that are imported anew.
"""

import ast
import os
import resource
import time
from collections.abc import Callable, Generator, Sequence
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Generic, TypeVar

import pytest

T = TypeVar("T")

#: Seconds of processor time for one mutant: an endless loop is one that is found out.
SECONDS = 60
#: Seconds by the clock, for one that waits for ever; a busy machine must not end others.
LONGEST = 300


class Forks(Generic[T]):
    """A pytest plugin: runs the collected tests in a fork for each mutant, which `change` puts in
    place there, and then without one."""

    def __init__(self, change: Callable[[T], None], mutants: Sequence[T]) -> None:
        self._change, self._mutants = change, mutants
        self.survivors: list[T] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        for mutant in self._mutants:
            child = os.fork()
            if child == 0:
                passed = False
                try:
                    limit_time()
                    self._change(mutant)
                    yield
                    passed = session.testsfailed == 0
                finally:
                    os._exit(not passed)
            if ends_well(child):
                self.survivors.append(mutant)
        return (yield)


def limit_time() -> None:
    """End this process when it has worked for too long."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def ends_well(child: int) -> bool:
    """Whether the process ends with 0; one that never does is killed."""
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def change(module: ModuleType, path: Path, tree: ast.Module) -> None:
    """Give the module's functions the code of the tree, wherever they are known by now."""
    changed = ModuleType(module.__name__)
    changed.__file__ = str(path)
    exec(compile(ast.fix_missing_locations(tree), str(path), "exec"), changed.__dict__)
    _change_all(module, changed, module.__name__)


def _change_all(old: object, new: object, module: str) -> None:
    for name, value in vars(new).items():
        if name in vars(old):
            _change_one(vars(old)[name], value, module)


def _change_one(old: Any, new: Any, module: str) -> None:
    match old:
        case FunctionType() if old.__module__ == module and isinstance(new, FunctionType):
            if len(old.__code__.co_freevars) == len(new.__code__.co_freevars):
                old.__code__ = new.__code__
            if (wrapped := vars(old).get("__wrapped__")) is not None:
                _change_one(wrapped, vars(new)["__wrapped__"], module)
        case property():
            _change_one(old.fget, new.fget, module)
        case cached_property():
            _change_one(old.func, new.func, module)
        case classmethod() | staticmethod():
            _change_one(old.__func__, new.__func__, module)
        case type() if old.__module__ == module:
            _change_all(old, new, module)
        case _ if hasattr(old, "cache_clear"):
            old.cache_clear()
            _change_one(old.__wrapped__, new.__wrapped__, module)
        case _:
            pass
