"""How far files are from each other in a tree of folders (pure)."""

from collections.abc import Iterable, Iterator


class PathDistance:
    """Steps from a file's folder to the nearest folder of `paths`, up and down again.

    Each folder is measured once: a repository has fewer of them than files."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._above: dict[str, int] = {}
        self._known: dict[str, int] = {}
        for path in paths:
            for up, folder in enumerate(_upwards(_folder(path))):
                self._above[folder] = min(up, self._above.get(folder, up))

    def distance(self, path: str) -> int:
        folder = _folder(path)
        if folder not in self._known:
            ways = (
                up + self._above[above]
                for up, above in enumerate(_upwards(folder))
                if above in self._above
            )
            self._known[folder] = min(ways, default=0)
        return self._known[folder]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _upwards(folder: str) -> Iterator[str]:
    """The folder and all that hold it, the root, "", last."""
    yield folder
    while folder:
        folder = _folder(folder)
        yield folder
