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

or an entry of a file that lists changes of repositories (YAML, or JSON by its ending):

    repository: ../shop                   # of all cases below: a path, or an address to fetch from
    cases:
      - name: pull-12
        base: 1f0c2d…                     # commits or branches; of an address, whole SHAs
        head: 9ab8e1…
        goldens:
          - issue: The discount is applied twice when the cart is reloaded.
            severity: high                # optional, as path, lines and category are

The cases may also be a mapping by name, and that mapping the whole file. A case that names no
commits has the branches `<name>-base` and `<name>-head`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.domain.model import Category, Severity

SPEC = "case.yml"


class BadCase(Exception):
    """Raised for a case that can't be read; the message names it and the mistake."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A defect that is there: what is wrong, and where and of which category if that was said;
    `path` "" is nowhere in particular, and `first` 0 the whole file."""

    path: str
    first: int
    last: int
    category: Category | None
    why: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """With `repository`, a path or an address, the change is `base`..`head` there; else it is in
    `folder`. A `title` of "" is that of the last commit."""

    name: str
    folder: Path
    title: str
    body: str
    expected: tuple[Expected, ...]
    repository: str = ""
    base: str = ""
    head: str = ""


def load_cases(source: Path, repository: str = "") -> tuple[Case, ...]:
    """All cases below a folder, by name, or of a file that lists them, in its order; those that
    name no repository are of `repository`. Raises BadCase."""
    if source.is_file():
        return _listed(source, repository)
    if not source.exists():
        raise BadCase(f"{source} does not exist.")
    specs = sorted(source.rglob(SPEC))
    if not specs:
        raise BadCase(f"{source} has no cases: none of its folders has a {SPEC}.")
    return tuple(_load(spec, source) for spec in specs)


def _load(spec: Path, root: Path) -> Case:
    alone = spec.parent == root
    name = spec.parent.resolve().name if alone else spec.parent.relative_to(root).as_posix()
    try:
        data = yaml.safe_load(spec.read_text(encoding="utf-8"))
        return Case(
            name=name,
            folder=spec.parent,
            title=_text(data, "title"),
            body=str(data.get("body") or ""),
            expected=tuple(_placed(item) for item in data.get("expected") or ()),
        )
    except yaml.YAMLError as exc:
        raise BadCase(f"The case {name} is not valid YAML: {exc}") from exc
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        raise BadCase(f"The case {name} can't be read: {exc}.") from exc


def _placed(item: dict[str, Any]) -> Expected:
    """A defect of a case in a folder, which is always somewhere."""
    _text(item, "path")
    _text(item, "category")
    _text(item, "why")
    _lines(item.get("lines"))
    return _expected(item)


def _listed(file: Path, repository: str) -> tuple[Case, ...]:
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise BadCase(f"{file} can't be read: {exc}") from exc
    if not isinstance(data, dict) or not data:
        raise BadCase(f"{file} lists no cases.")
    items = data.get("cases", data)
    repository = repository or str(data.get("repository") or "")
    if isinstance(items, dict):
        named = [(str(name), item) for name, item in items.items()]
    elif isinstance(items, list):
        named = [(_name_of(item, number), item) for number, item in enumerate(items, start=1)]
    else:
        named = []
    if not named:
        raise BadCase(f"{file} lists no cases.")
    if twice := {name for name, _ in named if [each for each, _ in named].count(name) > 1}:
        raise BadCase(f"{file} has two cases named {min(twice)}.")
    return tuple(_entry(name, item, file, repository) for name, item in named)


def _name_of(item: object, number: int) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return str(name) if name else f"case-{number}"


def _entry(name: str, item: Any, file: Path, repository: str) -> Case:
    try:
        where = str(item.get("repository") or repository)
        if not where:
            raise ValueError("'repository' is missing; name it there or with --repository")
        return Case(
            name=name,
            folder=file.parent,
            title=str(item.get("title") or ""),
            body=str(item.get("body") or ""),
            expected=tuple(_expected(golden) for golden in item.get("goldens") or ()),
            repository=where,
            base=_commit(item, "base", name),
            head=_commit(item, "head", name),
        )
    except (ValueError, TypeError, AttributeError) as exc:
        raise BadCase(f"The case {name} can't be read: {exc}.") from exc


def _commit(item: dict[str, Any], side: str, name: str) -> str:
    value = item.get(side, f"{name}-{side}")
    if not isinstance(value, str) or not value.strip():  # 1234567 unquoted is a number in YAML
        raise ValueError(f"{side!r} is {value!r}; expected the text of a commit or branch")
    return value.strip()


def _expected(item: dict[str, Any]) -> Expected:
    path, category, severity = (item.get(name) for name in ("path", "category", "severity"))
    lines = item.get("lines")
    if lines is not None and not path:
        raise ValueError("'lines' are given without 'path'")
    first, last = (0, 0) if lines is None else _lines(lines)
    return Expected(
        path=_text(item, "path") if path else "",
        first=first,
        last=last,
        category=Category(category) if category else None,
        why=_text(item, "why" if "why" in item else "issue"),
        severity=Severity(str(severity).lower()) if severity else None,
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
