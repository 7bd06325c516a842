"""Does a test fail where the code is wrong? Mutants of the modules that decide what matters, and of
the scripts that Redis runs.

    python -m tests.mutants [--sample 20] [--seed 1] [MODULE ...]

Each mutant is tried against the unit and property tests of its module, in a process of its own: one
that has collected them (`in_place`), and if none fails one that imports the changed module. Those
of a script, by its area (`lua.reviews`), run in a Redis of their own. Prints the survivors, and
ends with 1 if a module is below the mark.
"""

import argparse
import ast
import contextlib
import importlib
import importlib.abc
import importlib.util
import io
import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutants import in_place, scripts
from tests.mutants.lua import LuaMutant
from tests.mutants.mutate import Mutant, mutants
from tests.mutants.survivors import EQUIVALENT

ROOT = Path(__file__).parents[2]

_FORMS = "tests/unit/workers/analysis/test_model_answer_forms.py"
_JUDGED = "tests/unit/workers/analysis/test_suggestions.py"
#: What decides what is posted, kept, hidden, paid and admitted, and what holds it beside its tests.
MODULES: dict[str, tuple[str, ...]] = {
    "workers.analysis.anchor": ("tests/properties/test_anchor.py", _JUDGED),
    "workers.analysis.answer_values": (_FORMS,),
    "workers.analysis.llm.json_reader": (_FORMS,),
    "workers.analysis.llm.lenient_json": (_FORMS,),
    "workers.analysis.llm.refusals": ("tests/unit/workers/analysis/llm/test_client_servers.py",),
    "workers.analysis.model_answer": (_FORMS,),
    "workers.analysis.suggestions": ("tests/properties/test_suggest.py",),
    "workers.analysis.validate": (_JUDGED,),
    "workers.reports.dedupe": (),
    "workers.reports.merge": ("tests/unit/workers/reports/test_formats_counts.py",),
    "workers.reports.rank": (),
    "workers.reports.sanitize": (),
    "bot.domain.commands": ("tests/properties/test_commands.py",),
    "bot.domain.suppressions": (),
    "bot.policy.finding_filter": (_JUDGED,),
    "bot.policy.permissions": (),
    "bot.policy.precedence": (),
    "bot.policy.start": (),
    "bot.text.globs": (),
    "bot.text.secrets": ("tests/properties/test_redact.py",),
}

#: What tests import and no mutant changes: imported once, for all forks.
_PRELOADED = (
    "hypothesis.stateful",
    "httpx2",
    "jinja2",
    "markdown_it",
    "pydantic_settings",
    "redis.asyncio",
    "structlog",
    "typer",
    "yaml",
)

#: The share of mutants that are not equivalent that has to be killed, of each module.
MARK = 0.9


@dataclass(frozen=True)
class Result:
    module: str
    killed: int
    survivors: Sequence[Mutant | LuaMutant]

    @property
    def share(self) -> float:
        return self.killed / max(1, self.killed + len(self.survivors))


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a syntax tree."""

    def __init__(self, module: str, tree: ast.Module, path: Path) -> None:
        self._module, self._path = module, path
        self._code = compile(ast.fix_missing_locations(tree), str(path), "exec")

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != self._module:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def path_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def tests_of(module: str) -> list[str]:
    """The module's own tests, found by its name, and those that are named beside it."""
    if module in scripts.AREAS:
        return list(scripts.AREAS[module].tests)
    folder, _, name = module.replace(".", "/").rpartition("/")
    own = [f"tests/unit/{folder}/test_{name}.py"]
    return [path for path in (*own, *MODULES.get(module, ())) if (ROOT / path).exists()]


def survivors(module: str, tried: Sequence[Any], change: Callable[[Any], None]) -> list[Any]:
    """Those on which no test fails. SystemExit if one fails without any mutant."""
    child_reads, child_writes = os.pipe()
    child = os.fork()
    if child == 0:
        forks = in_place.Forks(change, tried)
        failed = _run(module, forks)
        numbers = [tried.index(mutant) for mutant in forks.survivors]
        os.write(child_writes, json.dumps(numbers).encode())
        os._exit(failed)
    os.close(child_writes)
    with os.fdopen(child_reads) as answer:
        text = answer.read()
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise SystemExit(f"The tests of {module} fail without any mutant: {tests_of(module)}")
    return [tried[number] for number in json.loads(text)]


def _survives(module: str, mutant: Mutant) -> bool:
    """Whether no test fails where modules are imported with the mutant."""
    child = os.fork()
    if child == 0:
        in_place.limit_time()
        sys.meta_path.insert(0, _Changed(module, mutant.tree, path_of(module)))
        os._exit(_run(module))
    return in_place.ends_well(child)


def _run(module: str, *plugins: object) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(
            pytest.main(
                [
                    *("-x", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis"),
                    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is loaded
                    *tests_of(module),
                ],
                plugins=plugins,
            )
        )


def measure(module: str, sample: int, seed: int) -> Result:
    """A sample of the module's mutants that are not known to be equivalent."""
    all_of_them = scripts.mutants_in(module) if module in scripts.AREAS else _of_python(module)
    known = EQUIVALENT.get(module, {})
    possible = [each for each in all_of_them if each.change not in known]
    chosen = random.Random(f"{seed}{module}").sample(possible, min(sample, len(possible)))
    if module in scripts.AREAS:
        left = survivors(module, chosen, scripts.change)
    else:
        left = survivors(module, chosen, partial(_change_in_place, module))
        left = [mutant for mutant in left if _survives(module, mutant)]
    return Result(module, len(chosen) - len(left), left)


def _of_python(module: str) -> list[Mutant]:
    return mutants(path_of(module).read_text())


def _change_in_place(module: str, mutant: Mutant) -> None:
    in_place.change(importlib.import_module(module), path_of(module), mutant.tree)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("modules", nargs="*", default=[*MODULES, *scripts.AREAS])
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ["HYPOTHESIS_PROFILE"] = "found"
    for name in _PRELOADED:
        importlib.import_module(name)
    low = []
    for module in options.modules:
        result = measure(module, options.sample, options.seed)
        print(f"{result.share:5.0%}  {module} ({result.killed} killed)", flush=True)
        for mutant in sorted(result.survivors, key=lambda each: each.line):
            print(f"         line {mutant.line}: {mutant.change}", flush=True)
        if result.share < MARK:
            low.append(module)
    print(f"Below {MARK:.0%}: {', '.join(low) or 'none'}.")
    return bool(low)


if __name__ == "__main__":
    sys.exit(main())
