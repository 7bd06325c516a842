"""Repositories that git itself would not make: built object by object, or broken afterwards."""

import os
from collections.abc import Callable

from tests.support.repositories import Repository
from workers.scan.repository.clone import Source

from .case import BAD, BASE

Build = Callable[[Repository], Source]
_FILE, _TREE = "100644", "40000"


def _bad(repository: Repository) -> tuple[str, bytes, str]:
    return _FILE, b"bad.py", repository.blob(str(BAD["bad.py"]).encode())


def _with(*entries: tuple[str, bytes, bytes]) -> Build:
    """A head whose root tree has these files as well, in any order and under any name."""

    def build(repository: Repository) -> Source:
        base = repository.commit(BASE)
        made = [(mode, name, repository.blob(data)) for mode, name, data in entries]
        tree = repository.raw_tree([_bad(repository), *made])
        return repository.pull(base, repository.commit_of(tree, base))

    return build


def _nested(*names: bytes) -> Build:
    """A head with a file below folders of these names."""

    def build(repository: Repository) -> Source:
        base = repository.commit(BASE)
        oid = repository.blob(b"#!/bin/sh\ntouch canary\n")
        mode = "100755"
        for name in reversed(names):
            oid, mode = repository.raw_tree([(mode, name, oid)]), _TREE
        data = repository.git("cat-file", "-p", oid).split()[2]
        tree = repository.raw_tree([_bad(repository), (_TREE, names[0], data)])
        return repository.pull(base, repository.commit_of(tree, base))

    return build


def _named(what: str) -> Build:
    """The head, or the merge base, is named by an object that is no commit."""

    def build(repository: Repository) -> Source:
        base = repository.commit(BASE)
        head = repository.commit({**BASE, **BAD}, parent=base)
        blob = repository.blob(b"no commit")
        tree = repository.git("rev-parse", f"{base}^{{tree}}")
        source = repository.pull(base, head)
        return {
            "base is a blob": Source(source.url, "", blob, head, 7),
            "base is a tree": Source(source.url, "", tree, head, 7),
            "base is unknown": Source(source.url, "", "1" * 40, head, 7),
            "head is unknown": Source(source.url, "", base, "1" * 40, 7),
            "base is an option": Source(source.url, "", "--upload-pack=x", head, 7),
            "url is an option": Source("--upload-pack=touch canary", "", base, head, 7),
            "url is a helper": Source("ext::sh -c touch% canary", "", base, head, 7),
            "url is another protocol": Source("ssh://-oProxyCommand=x/y", "", base, head, 7),
        }[what]

    return build


def _broken(spoil: Callable[[Repository, str], None]) -> Build:
    """An object that the change needs is spoilt on the server."""

    def build(repository: Repository) -> Source:
        source = repository.change(BASE, {**BASE, **BAD})
        spoil(repository, repository.blob(str(BAD["bad.py"]).encode()))
        return source

    return build


def _lost(repository: Repository, oid: str) -> None:
    os.unlink(repository.path / "objects" / oid[:2] / oid[2:])


def _garbage(repository: Repository, oid: str) -> None:
    path = repository.path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o600)
    path.write_bytes(b"\x78\x9c garbage that is no object")


def _other(repository: Repository, oid: str) -> None:
    """The bytes of another object under its name."""
    other = repository.blob(b"something else\n")
    path = repository.path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o600)
    path.write_bytes((repository.path / "objects" / other[:2] / other[2:]).read_bytes())


def _replaced(repository: Repository) -> Source:
    """`refs/replace` and grafts that would show another head than the one under review."""
    source = repository.change(BASE, {**BASE, **BAD})
    innocent = repository.commit(BASE)
    repository.git("update-ref", f"refs/replace/{source.head_sha}", innocent)
    (repository.path / "info").mkdir(exist_ok=True)
    (repository.path / "info" / "grafts").write_text(f"{source.head_sha}\n")
    return source


def _hostile_refs(repository: Repository) -> Source:
    source = repository.change(BASE, {**BASE, **BAD})
    names = ("refs/heads/--upload-pack=x", "refs/heads/;touch canary", "refs/tags/-x", "refs/x\ty")
    lines = [f"{source.head_sha} {name}\n" for name in sorted(names)]
    (repository.path / "packed-refs").write_text("# pack-refs with: peeled\n" + "".join(lines))
    return source


def _long_message(repository: Repository) -> Source:
    base = repository.commit(BASE)
    tree = repository.git("rev-parse", f"{repository.commit({**BASE, **BAD})}^{{tree}}")
    head = repository.commit_of(tree, base, message="x" * (10 << 20) + "\n\x1b[2J")
    return repository.pull(base, head)


def _many_parents(repository: Repository) -> Source:
    base = repository.commit(BASE)
    tree = repository.git("rev-parse", f"{repository.commit({**BASE, **BAD})}^{{tree}}")
    parents = [repository.commit({**BASE, "n": str(n)}) for n in range(40)]
    return repository.pull(base, repository.commit_of(tree, base, *parents))


def objects() -> dict[str, Build]:
    """By name; each builds its repository."""
    broken = {
        "an object is lost": _lost,
        "an object is garbage": _garbage,
        "an object lies": _other,
    }
    named = (
        "base is a blob", "base is a tree", "base is unknown", "head is unknown",
        "base is an option", "url is an option", "url is a helper", "url is another protocol",
    )  # fmt: skip
    return {
        "a git directory in the tree": _nested(b".git", b"hooks", b"post-checkout"),
        "a git directory in disguise": _nested(b"git~1", b".GIT", b".g\xe2\x80\x8cit", b"config"),
        "parents in the tree": _nested(b"..", b"..", b"canary"),
        "a path from the root": _with(
            (_FILE, b"/tmp/canary", b"x"), (_FILE, b"a/../../canary", b"x")
        ),
        "a name twice": _with((_FILE, b"a.py", b"x = 1\n"), (_FILE, b"a.py", b"x = y\n")),
        "an empty name": _with((_FILE, b"", b"x")),
        "modes of no file": _with(("100666", b"a.py", b"x\n"), ("0", b"b.py", b"x\n")),
        "other refs": _hostile_refs,
        "replaced objects": _replaced,
        "a long message": _long_message,
        "many parents": _many_parents,
        **{name: _broken(spoil) for name, spoil in broken.items()},
        **{name: _named(name) for name in named},
    }
