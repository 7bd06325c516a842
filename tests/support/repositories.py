"""Real git repositories, made commit by commit."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from workers.scan.repository.clone import Source


class Repository:
    """A repository on disk whose trees are written without a working directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._blobs: dict[bytes, str] = {}
        self.git("init", "--quiet", "--bare", str(path), cwd=path.parent)
        self.git("config", "uploadpack.allowFilter", "true")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    def git(self, *args: str, stdin: bytes = b"", cwd: Path | None = None) -> str:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER")
               for what in ("NAME", "EMAIL")},
        }  # fmt: skip
        done = subprocess.run(
            ["git", *args], cwd=cwd or self.path, env=env, input=stdin, capture_output=True,
            check=True,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def commit(
        self,
        files: Mapping[str | bytes, str | bytes],
        *,
        parent: str | None = None,
        modes: Mapping[str, str] | None = None,
    ) -> str:
        """A commit with exactly these files; a submodule's content is its commit's SHA."""
        index = self.path / "scratch-index"
        index.unlink(missing_ok=True)
        records = b""
        for name, content in files.items():
            path = name.encode() if isinstance(name, str) else name
            data = content.encode() if isinstance(content, str) else content
            mode = (modes or {}).get(path.decode("utf-8", "replace"), "100644")
            oid = data.decode() if mode == "160000" else self.blob(data)
            records += f"{mode} blob {oid}\t".encode() + path + b"\0"
        tree = self._tree(records)
        parents = ["-p", parent] if parent else []
        return self.git("commit-tree", tree, *parents, "-m", "a commit")

    def blob(self, data: bytes) -> str:
        if data not in self._blobs:
            self._blobs[data] = self.git("hash-object", "-w", "--stdin", stdin=data)
        return self._blobs[data]

    def _tree(self, records: bytes) -> str:
        """By an index of its own, so that any path that git can hold will do."""
        env_index = str(self.path / "scratch-index")
        records = records.replace(b" blob ", b" ")
        for args in (("update-index", "-z", "--index-info"), ("write-tree",)):
            done = subprocess.run(
                ["git", "-c", "core.protectHFS=false", *args],
                cwd=self.path,
                env={"PATH": os.environ["PATH"], "GIT_INDEX_FILE": env_index,
                     "GIT_DIR": str(self.path), "HOME": str(self.path)},
                input=records if args[0] == "update-index" else b"",
                capture_output=True,
                check=True,
            )  # fmt: skip
        return done.stdout.decode().strip()

    def raw_tree(self, entries: Sequence[tuple[str, bytes, str]]) -> str:
        """A tree object of (mode, name, object id) as given: git itself would refuse to make it."""
        data = b"".join(
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries
        )
        return self.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=data)

    def commit_of(self, tree: str, *parents: str, message: str = "a commit") -> str:
        """A commit of a tree that is there already."""
        words = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *words, "-F", "-", stdin=message.encode())

    def pull(self, base: str, head: str, number: int = 7) -> Source:
        """The pull request `number`, as its source."""
        self.git("update-ref", "refs/heads/main", base)
        self.git("update-ref", f"refs/pull/{number}/head", head)
        return Source(f"file://{self.path}", "", base, head, number)

    def change(
        self,
        before: Mapping[str | bytes, str | bytes],
        after: Mapping[str | bytes, str | bytes],
        modes: Mapping[str, str] | None = None,
    ) -> Source:
        """A pull request that turns one set of files into another."""
        base = self.commit(before)
        return self.pull(base, self.commit(after, parent=base, modes=modes))
