"""What a hostile repository is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.repositories import Repository
from workers.scan.repository.clone import Source

Files = Mapping[str | bytes, str | bytes]

#: A file that every hostile repository has, with a defect that has to be told.
BAD: Files = {"bad.py": "x = missing_name\n"}
BASE: Files = {"README": "hello\n"}


@dataclass(frozen=True, slots=True)
class Hostile:
    """The files that the change adds; `modes` by path, `before` what stands at the base."""

    files: Files
    modes: Mapping[str, str] = field(default_factory=dict)
    before: Files = field(default_factory=dict)

    def build(self, repository: Repository) -> Source:
        before = {**BASE, **self.before}
        return repository.change(before, {**before, **BAD, **self.files}, self.modes)
