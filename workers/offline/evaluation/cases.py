"""A case: a change, and what a good reviewer would say of it.

A case is a folder with `case.yml` and either the two trees `base/` and `head/`, or a git
bundle `change.bundle` with the branches `base` and `head`:

    title: Discount is applied twice      # as of the pull request
    body: ""                              # optional
    expected:                             # empty or left out: the right review is silence
      - path: cart.py
        lines: [12, 14]                   # of the head's file; one number for one line
        category: correctness
        why: What is wrong there, so that a person can check the case.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.domain.model import Category
from workers.offline.review_target import git

SPEC = "case.yml"


class BadCase(Exception):
    """Raised for a case that can't be read; the message names it and the mistake."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A defect that is there: where, of which category, and what is wrong."""

    path: str
    first: int
    last: int
    category: Category
    why: str


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    folder: Path
    title: str
    body: str
    expected: tuple[Expected, ...]


def load_cases(folder: Path) -> tuple[Case, ...]:
    """All cases below a folder, by name. Raises BadCase."""
    specs = sorted(folder.rglob(SPEC))
    if not specs:
        raise BadCase(f"{folder} has no cases: none of its folders has a {SPEC}.")
    return tuple(_load(spec, folder) for spec in specs)


def _load(spec: Path, root: Path) -> Case:
    name = spec.parent.relative_to(root).as_posix()
    try:
        data = yaml.safe_load(spec.read_text(encoding="utf-8"))
        return Case(
            name=name,
            folder=spec.parent,
            title=_text(data, "title"),
            body=str(data.get("body") or ""),
            expected=tuple(_expected(item) for item in data.get("expected") or ()),
        )
    except yaml.YAMLError as exc:
        raise BadCase(f"The case {name} is not valid YAML: {exc}") from exc
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        raise BadCase(f"The case {name} can't be read: {exc}.") from exc


def _expected(item: dict[str, Any]) -> Expected:
    first, last = _lines(item.get("lines"))
    return Expected(
        path=_text(item, "path"),
        first=first,
        last=last,
        category=Category(_text(item, "category")),
        why=_text(item, "why"),
    )


def _lines(value: object) -> tuple[int, int]:
    match value:
        case int(line) if line >= 1:
            return line, line
        case [int(first), int(last)] if 1 <= first <= last:
            return first, last
    raise ValueError(f"'lines' is {value!r}; expected a number or [first, last], counted from 1")


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name!r} is missing or not text")
    return value


@asynccontextmanager
async def repository_of(case: Case) -> AsyncIterator[tuple[Path, str, str]]:
    """The case as a git repository in a temporary folder: path, base and head commit."""
    with tempfile.TemporaryDirectory(prefix="glossator-case-") as name:
        repo = Path(name)
        bundle = case.folder / "change.bundle"
        if await asyncio.to_thread(bundle.exists):
            await git(repo, "init", "--quiet")
            # Fetching from a file is a transport, of which none is allowed.
            for line in (await git(repo, "bundle", "unbundle", str(bundle))).splitlines():
                sha, _, ref = line.partition(" ")
                if ref in ("refs/heads/base", "refs/heads/head"):
                    await git(repo, "update-ref", ref, sha)
        else:
            await git(repo, "init", "--quiet", "--initial-branch=base")
            await _commit_tree(repo, case.folder / "base", "Begin")
            await git(repo, "checkout", "--quiet", "-b", "head")
            await _commit_tree(repo, case.folder / "head", f"{case.title}\n\n{case.body}")
        yield repo, "base", "head"


async def _commit_tree(repo: Path, tree: Path, message: str) -> None:
    """A commit whose files are those of `tree`; a folder that is not there is empty."""
    await git(repo, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
    await asyncio.to_thread(_copy, tree, repo)
    await git(repo, "add", "--all", "--force", ".")
    who = ("-c", "user.name=Glossator", "-c", "user.email=glossator@example.org")
    await git(repo, *who, "commit", "--quiet", "--allow-empty", "-m", message)


def _copy(tree: Path, repo: Path) -> None:
    if tree.exists():
        shutil.copytree(tree, repo, dirs_exist_ok=True)
