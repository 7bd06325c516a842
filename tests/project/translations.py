"""The messages that have translations: `python -m tests.project.translations` says what is missing.

Read from the source: what `_`, `ngettext`, `plural` and a few functions that translate are called
with, in code and templates, and the values of enums that people see. `--update` brings the files in
templates/languages up to date: new messages come in without a translation, old ones go.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from bot.domain.diff import FileStatus
from bot.domain.model import Category, RequirementStatus, Severity
from bot.domain.reasons import FileSkipReason, RejectionReason
from bot.policy.start import SkipReason
from bot.web.pages.review import HEADINGS, PLACES, STAGES
from templates.languages import Language
from workers.reports.formats.html import SHOWN

ROOT = Path(__file__).parents[2]

#: Which argument of a function is a message; the others of `ngettext` are its forms.
FUNCTIONS = {
    "_": 0,
    "_sign_in_page": 1,
    "ngettext": 0,
    "plural": 1,
    "CommandResult": 0,
    "StageFailed": 0,
    "fail": 2,
    "message_page": 1,
}

#: Templates that no person reads, or that show another product.
_NOT_TRANSLATED = ("prompts", "sandbox", "notifications")

_PLACEHOLDER = re.compile(r"\{\w*\}")
#: What Markdown would be read differently for, if it differed: code, bold, links' brackets.
_MARKUP = re.compile(r"`[^`]*`|\*\*|👎|…")


#: What Babel writes into a header that differs each time, or says nothing.
_NOISE = re.compile('"(?:POT-|PO-|Project-|Report-|Last-|Language-Team|Generated-)')


@dataclass(frozen=True, slots=True)
class Source:
    """A message in English; `many` is its plural, "" where it has none."""

    one: str
    many: str = ""
    place: str = ""


@cache
def messages(root: Path = ROOT) -> dict[str, Source]:
    """All of them by their English text, in the order of the source."""
    found: dict[str, Source] = {}
    for each in (*_code(root), *_templates(root), *_values()):
        found.setdefault(each.one, each)
    return found


def _code(root: Path) -> Iterator[Source]:
    for folder in ("bot", "workers"):
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield from _of_call(node, node.func.id, name)


def _of_call(call: ast.Call, function: str, path: str) -> Iterator[Source]:
    position = FUNCTIONS.get(function, len(call.args))
    if position >= len(call.args):
        return
    if function == "ngettext":
        (one,), (many,) = _texts(call.args[0], path), _texts(call.args[1], path)
        yield Source(one, many, path)
        return
    arguments = call.args[position : position + (2 if function == "message_page" else 1)]
    for text in (text for argument in arguments for text in _texts(argument, path)):
        if function == "plural":
            yield from _of_noun(text, path)
        elif text:
            yield Source(text, "", path)


def _texts(node: ast.expr, path: str) -> list[str]:
    """The string of a literal or of a module's constant, or both of a choice."""
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, path), *_texts(node.orelse, path)]
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.Name) and node.id.isupper():
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        return [str(getattr(module, node.id))]
    return []


def _of_noun(noun: str, path: str) -> Iterator[Source]:
    yield Source(f"{{number}} {noun}", f"{{number}} {noun}s", path)


def _templates(root: Path) -> Iterator[Source]:
    environment = Environment(autoescape=True)
    for path in sorted((root / "templates").rglob("*")):
        name = path.relative_to(root / "templates").as_posix()
        if path.suffix not in (".j2", ".html") or name.startswith(_NOT_TRANSLATED):
            continue
        tree = environment.parse(path.read_text())
        for call in tree.find_all(nodes.Call):
            named = isinstance(call.node, nodes.Name) and call.node.name == "_"
            if named and isinstance(call.args[0], nodes.Const):
                yield Source(call.args[0].value, "", f"templates/{name}")
        for filter in tree.find_all(nodes.Filter):
            if filter.name == "plural" and isinstance(filter.args[0], nodes.Const):
                yield from _of_noun(filter.args[0].value, f"templates/{name}")


def _values() -> Iterator[Source]:
    for reason in (*FileSkipReason, *RejectionReason):
        yield Source(reason.text, "", "bot/domain/reasons.py")
    for skip in SkipReason:
        yield Source(skip.replace("_", " "), "", "bot/policy/start.py")
    for heading in (*STAGES.values(), *HEADINGS.values(), *PLACES.values()):
        yield Source(heading, "", "bot/web/pages/review.py")
    for shown in SHOWN.values():
        yield Source(shown, "", "workers/reports/formats/html.py")
    for value in (*Severity, *Category, *FileStatus, *RequirementStatus):
        yield Source(value.replace("_", " "), "", "bot/domain/model.py")


def catalog(language: Language) -> Catalog:
    """The translations of a language. Raises FileNotFoundError."""
    path = language.translations
    assert path is not None, "English has no translations"
    with path.open("rb") as file:
        return read_po(file, locale=language.locale)


def forms(message: Message) -> tuple[str, ...]:
    """The translation's forms; () where there is none yet."""
    given = message.string if isinstance(message.string, tuple | list) else (message.string,)
    strings = tuple(str(each) for each in given if each)
    return strings if len(strings) == len(given) and not message.fuzzy else ()


def untranslated(language: Language, sources: Mapping[str, Source]) -> list[str]:
    """Messages that are shown in English."""
    known = catalog(language)
    return [text for text in sources if (each := known.get(text)) is None or not forms(each)]


def stale(language: Language, sources: Mapping[str, Source]) -> list[str]:
    """Translations of what is no longer said."""
    return [str(one(each)) for each in catalog(language) if each.id and one(each) not in sources]


def one(message: Message) -> str:
    """The English text by which a message is known."""
    return message.id if isinstance(message.id, str) else message.id[0]


def mistakes(source: Source, translation: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with a translation: values that are lacking or unknown, code or Markdown that
    differs, spaces at an end."""
    wanted = set(_PLACEHOLDER.findall(source.many or source.one))
    optional = {"{number}"} if source.many else set()
    for form in translation:
        given = set(_PLACEHOLDER.findall(form))
        if given - wanted or wanted - given - optional:
            yield f"{form!r} has the values {sorted(given)}, not {sorted(wanted)}"
        if sorted(_MARKUP.findall(form)) != sorted(_MARKUP.findall(source.one)):
            yield f"{form!r} has other code or Markdown than {source.one!r}"
        if form != form.strip() and source.one == source.one.strip():
            yield f"{form!r} has spaces at an end"
        if re.search(r"\{(?!\w*\})|(?<!\w)(?<!\{)\}", form):
            yield f"{form!r} has a single brace"


def update(language: Language, sources: Mapping[str, Source]) -> None:
    """Write the file again, with every message and what is translated of it."""
    path = language.translations
    assert path is not None
    known = catalog(language) if path.exists() else Catalog(locale=language.locale)
    written = Catalog(
        locale=language.locale,
        fuzzy=False,
        header_comment=f"# {language.english_name}: what people read, by its English text.",
    )
    for source in sources.values():
        old = known.get(source.one)
        written.add(
            (source.one, source.many) if source.many else source.one,
            old.string if old is not None else "",
            locations=[(source.place, 0)],
            flags=old.flags if old is not None else (),
        )
    with path.open("wb") as file:
        write_po(file, written, width=100, omit_header=False, include_lineno=False)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not _NOISE.match(line)))


def main() -> None:
    sources = messages()
    for language in Language:
        if language.translations is None:
            continue
        if "--update" in sys.argv[1:]:
            update(language, sources)
        missing = untranslated(language, sources)
        print(f"{language}: {len(sources) - len(missing)} of {len(sources)} messages")
        for text in (*missing, *(f"(old) {text}" for text in stale(language, sources))):
            print(f"  {text}")


if __name__ == "__main__":
    main()
