"""What every analyser is given and what it answers (pure)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.domain.diff import ChangedFile
from bot.domain.model import Category, Severity
from workers.scan.selection.python_project import PythonProject

#: The rule of a file that does not parse.
SYNTAX = "syntax"
#: Findings that are taken of an analyser.
MAX_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Target:
    """A changed file at the head, for analysers: `text` is all of it; `project` is what a Python
    file's project says at the merge base."""

    file: ChangedFile
    language: str
    text: str
    project: PythonProject = PythonProject()

    @property
    def path(self) -> str:
        return self.file.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One message of an analyser about `file` (the name we gave it); lines count from 1.

    Category, severity and body are the tool's; a rule of `workers.scan.analyzers.rules` takes their
    place, but is never more severe than `at_most`, where the tool knows better of this one place.
    """

    file: str
    rule: str
    line: int
    end_line: int
    category: Category
    severity: Severity
    title: str  # one line
    body: str = ""  # Markdown: why it matters
    at_most: Severity = Severity.CRITICAL
    url: str = ""  # the rule's page
    confidence: float = 1.0
    quote: str | None = None  # only where the code itself must not be shown


class Refused(Exception):
    """The program takes none of what it was told, whatever the files; it says why."""


@dataclass(frozen=True, slots=True)
class Analyzer:
    """An adapter to a program; `about` says in a few words what it reports, for the docs.

    `wants` picks its files; `command` makes the argument list for them by the names they got
    (the first word is a program of our own environment); `read` understands what the program
    printed and raises ValueError, KeyError or TypeError if it can't. One that `reviews` knows its
    files' language; else it looks through files of any kind for a single thing. No more than
    `max_findings` of its findings are taken: one that finds something in every line is not worth
    the reader's time. `program` is a script that its package installs, by which `glossator doctor`
    sees whether the package is there. `refusal` finds in its standard error why it refused its
    orders, if it did: then running it raises Refused.
    """

    name: str
    wants: Callable[[Target], bool]
    command: Callable[[Mapping[str, Target]], list[str]]
    read: Callable[[bytes, Mapping[str, Target]], Iterable[Diagnostic]]
    suffix: str = ""  # of the names we give; by default that of the file
    reviews: bool = True
    max_findings: float = MAX_FINDINGS
    program: str = ""
    about: str = ""
    refusal: Callable[[bytes], str] | None = None


@dataclass(frozen=True, slots=True)
class TextCheck:
    """An analyzer that is a function over one file, quick enough to run in this process."""

    name: str
    check: Callable[[Target], Iterable[Diagnostic]]
    about: str = ""
