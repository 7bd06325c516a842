"""How far files are from each other in a tree of folders (pure)."""

from collections.abc import Iterable


class PathDistance:
    """Steps from a file's folder to the nearest folder of `paths`, up and down again."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._above: dict[str, int] = {}
        for path in paths:
            for up, folder in enumerate(_folders(path)):
                self._above[folder] = min(up, self._above.get(folder, up))

    def distance(self, path: str) -> int:
        ways = (
            up + self._above[folder]
            for up, folder in enumerate(_folders(path))
            if folder in self._above
        )
        return min(ways, default=0)


def _folders(path: str) -> list[str]:
    """All folders that hold the file, its own first and the root, "", last."""
    folders = []
    while path:
        path = path.rpartition("/")[0]
        folders.append(path)
    return folders
