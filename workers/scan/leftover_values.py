"""Routes, CSS classes and variables that a change takes away and other files still name (pure).

They are known by a literal, so anything may make or use them. Nothing is said unless every place
that holds the word is of a kind that is known here, and none of them defines it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.diff import ChangedFile
from bot.text.languages import language_of
from workers.scan.selection.file_filters import by_path
from workers.scan.selection.risk import is_prose, is_test

_SCRIPTS = frozenset({"javascript", "typescript", "tsx"})
_MARKUP = re.compile(
    r"\.(?:html?|xhtml|jinja2?|j2|njk|hbs|handlebars|mustache|ejs|erb|twig|liquid|vue|svelte|astro)$"
)
_TEMPLATE_FOLDER = re.compile(r"(?:^|/)templates/.*\.(?:txt|xml|tmpl|tpl)$")
_STYLE = re.compile(r"\.(?:css|scss|sass|less|styl|stylus|pcss)$")
_ENV_EXAMPLE = re.compile(r"(?:^|/)\.?env\.(?:example|sample|template|dist)$|\.env\.example$")

_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
#: Classes of frameworks that a project's own stylesheet may only have adjusted.
_FRAMEWORK = re.compile(
    r"(?:accordion|active|alert|align|ant|badge|bg|bi|border|bp\d|breadcrumb|btn|button|card|carousel|"
    r"close|code|col|collapse|container|control|d|data|datatable|date|disabled|display|dropdown|el|"
    r"error|fa[brs]?|figure|flex|float|fw|font|footer|form|g|glyphicon|grid|h|has|header|hidden|highlight|"
    r"hljs|icon|input|invalid|is|jumbotron|justify|label|leaflet|list|m[btlrxyse]?|material|mdc|mdl|"
    r"media|modal|mui|nav|navbar|no|offset|order|p[btlrxyse]?|page|pagination|panel|placeholder|pop|"
    r"popover|position|progress|pull|rounded|row|scroll|select2?|shadow|show|slick|spinner|sr|sticky|"
    r"swiper|tab|table|tabs|tag|text|thumbnail|tippy|toast|toc|tooltip|tox|ts|ui|uk|v|visible|visually|"
    r"w|well|wp)(?:[-_]|\d|$)",
    re.IGNORECASE,
)
_NAMED_BY_HAND = re.compile(r"[-_]|[a-z][A-Z]")
_SHORTEST_CLASS = 6

_APP = r"(?m)^[ \t]*(?:const |let |var )?{}[ \t]*(?::[^=\n]*)?=[ \t]*(?:await )?[\w.]*\b(?:{})\("
_PYTHON_ROUTE = re.compile(
    r"\s*@(\w+)\.(?:route|get|post|put|patch|delete|head|options|websocket)\(\s*[\"'](/[^\"'<>{}:]+)[\"']"
)
_PYTHON_APPS = "Flask|Quart|FastAPI|Starlette|Sanic"
_STARLETTE_ROUTE = re.compile(r"\s*(?:Web[Ss]ocket)?Route\(\s*[\"'](/[^\"'<>{}:]+)[\"']")
_SCRIPT_ROUTE = re.compile(
    r"\s*(\w+)\s*\.(?:get|post|put|patch|delete|all)\(\s*[\"'`](/[^\"'`:*?+(){}$]+)[\"'`]\s*,"
)
_SCRIPT_APPS = "express|Fastify|fastify|Hono|restify.createServer"
#: What can give a path another beginning, or answer for any path.
_PREFIXES = re.compile(
    r"root_path|url_prefix|APPLICATION_ROOT|DispatcherMiddleware|\bMount\(|\.mount\(|static_url_path"
    r"|[\"'`]/?\*|[\"'`/]\{?[\w]*:?path\b|<path:|\.setGlobalPrefix|createProxy|register\("
)
_REQUEST = (
    r"(?:\bfetch|\baxios(?:\.\w+)?|(?:\$|jQuery)\.(?:get|post|ajax|getJSON)|\bEventSource"
    r"|\bredirect|\bRedirectResponse|\bsendBeacon)\(\s*(?:\{\s*url:\s*)?"
)
_ATTRIBUTE = r"\b(?:href|action|formaction|hx-(?:get|post|put|patch|delete))\s*=\s*"


class Kind(StrEnum):
    ROUTE = "route"
    CSS_CLASS = "css-class"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class LostValue:
    """What no line of the file at `path` defines any more; `line` (of the old side) and `text` are
    where the change says so."""

    kind: Kind
    value: str
    path: str
    line: int | None
    text: str

    @property
    def word(self) -> str:
        """What a file that uses or defines it holds as a word."""
        return self.value.rstrip("/").rpartition("/")[2]


def concerns(kind: Kind, path: str) -> bool:
    """Whether a file may use what is of that kind, or define it too."""
    match kind:
        case Kind.VARIABLE:
            return by_path(path) is None and not is_prose(path)
        case Kind.ROUTE:
            is_code = bool(language_of(path)) and not is_prose(path) and by_path(path) is None
            return is_code or _is_markup(path)
        case Kind.CSS_CLASS:
            return language_of(path) in _SCRIPTS or _is_markup(path) or bool(_STYLE.search(path))


def _is_markup(path: str) -> bool:
    return bool(_MARKUP.search(path) or _TEMPLATE_FOLDER.search(path))


def lost_values(file: ChangedFile, text: str, paths: Collection[str]) -> Iterator[LostValue]:
    """What the change takes out of a file whose text is now `text`, in a tree of these `paths`."""
    if file.path.endswith(".css") and not file.path.endswith(".module.css"):
        # A preprocessor puts names together: `.a { &-b {} }`.
        if not any(_STYLE.search(path) and not path.endswith(".css") for path in paths):
            yield from _lost_classes(file, text)
    elif _ENV_EXAMPLE.search(file.path):
        yield from _lost_variables(file, text)
    elif not is_test(file.path):
        yield from _lost_routes(file, text, paths)


def _removed(file: ChangedFile) -> Iterator[tuple[int | None, str]]:
    for hunk in file.hunks:
        yield from ((line.old, line.text) for line in hunk.lines if line.removed)


def _lost_classes(file: ChangedFile, text: str) -> Iterator[LostValue]:
    seen = set[str]()
    for number, line in _removed(file):
        selector, brace, _ = line.partition("{")
        if not brace and not line.rstrip().endswith(","):
            continue
        if not brace and (":" in line.replace("::", "").replace(":", "", 1) or "(" in line):
            continue
        for name in _CLASS.findall(selector):
            known = name in seen or _FRAMEWORK.match(name) or not _NAMED_BY_HAND.search(name)
            if not known and len(name) >= _SHORTEST_CLASS and not _holds(name, text):
                seen.add(name)
                yield LostValue(Kind.CSS_CLASS, name, file.path, number, line)


def _lost_variables(file: ChangedFile, text: str) -> Iterator[LostValue]:
    for number, line in _removed(file):
        match = re.match(r"(?:export\s+)?([A-Z][A-Z0-9_]{3,})=", line)
        if match and not _holds(match[1], text):
            yield LostValue(Kind.VARIABLE, match[1], file.path, number, line)


def _lost_routes(file: ChangedFile, text: str, paths: Collection[str]) -> Iterator[LostValue]:
    language = language_of(file.path)
    if _PREFIXES.search(text):
        return
    for number, line in _removed(file):
        path = ""
        if language == "python":
            if (match := _PYTHON_ROUTE.match(line)) and _is_app(match[1], _PYTHON_APPS, text):
                path = match[2]
            elif (match := _STARLETTE_ROUTE.match(line)) and "Starlette(" in text:
                path = match[1]
        elif language in _SCRIPTS:
            match = _SCRIPT_ROUTE.match(line)
            if match and _is_app(match[1], _SCRIPT_APPS, text):
                path = match[2]
        lost = LostValue(Kind.ROUTE, path, file.path, number, line)
        if len(lost.word) > 2 and lost.word not in text and not _is_a_file(path, paths):
            yield lost


def _is_app(name: str, makers: str, text: str) -> bool:
    """Whether it is an application, whose paths are whole, and no router within one."""
    return bool(re.search(_APP.format(re.escape(name), makers), text))


def _is_a_file(route: str, paths: Collection[str]) -> bool:
    """Whether a file may be served there: `pages/x.tsx`, `public/x.html`, `app/x/page.tsx`."""
    ends = route.strip("/")
    served = re.compile(rf"(?:^|/){re.escape(ends)}(?:\.\w+)*(?:/|$)")
    return any(ends in path and served.search(path) for path in paths)


def value_uses(lost: LostValue, texts: Mapping[str, str]) -> list[tuple[str, int]]:
    """The places, by path and line from 1, that use it; none if one of `texts`, which hold its
    word, may define it."""
    found: list[tuple[str, int]] = []
    for path, text in texts.items():
        if path == lost.path or not _holds(lost.word, text):
            continue
        match lost.kind:
            case Kind.CSS_CLASS:
                lines = _class_uses(lost.value, path, text)
            case Kind.VARIABLE:
                lines = _variable_uses(lost.value, path, text)
            case Kind.ROUTE:
                lines = _route_uses(lost.value, path, text)
        if lines is None:
            return []
        found += [(path, line) for line in lines]
    return found


def _holds(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def _class_uses(name: str, path: str, text: str) -> list[int] | None:
    """Lines with an attribute that holds the class; None if it also is anything else there."""
    if _STYLE.search(path):
        return None
    word = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    attribute = re.compile(
        rf"""\b(?:class|className)\s*=\s*(?:"[^"<>]*?{word}|'[^'<>]*?{word}|\{{\s*["'`][^"'`]*?{word})"""
    )
    used = [_line(text, match.end()) for match in attribute.finditer(text)]
    return used if len(used) == len(re.findall(word, text)) else None


def _variable_uses(name: str, path: str, text: str) -> list[int] | None:
    """Lines that cannot do without it; None if it may be given a value there."""
    language = language_of(path)
    if language not in ("python", "typescript", "tsx", "javascript", "ruby"):
        return [] if language and language in ("css", "html") else None
    if is_test(path):
        return None
    needed = re.compile(
        rf"""\bos\.environ\[\s*["']{name}["']\s*\](?!\s*=[^=])|\bprocess\.env\.{name}!"""
        rf"""|\bENV\.fetch\(\s*["']{name}["']\s*\)(?!\s*\{{)"""
    )
    used = [_line(text, match.start()) for match in needed.finditer(text)]
    guarded = re.search(
        r"KeyError|setdefault|\.update\(|in os\.environ|load_dotenv\(\s*[^)\s]", text
    )
    return None if guarded or len(used) != len(re.findall(rf"\b{name}\b", text)) else used


def _route_uses(route: str, path: str, text: str) -> list[int] | None:
    """Lines that request the path; None where something there may answer it."""
    literal = rf"""["'`]{re.escape(route)}(?:[?#][^"'`]*)?["'`]"""
    requests = re.compile(
        rf"(?:{_REQUEST}{literal})|(?:{_ATTRIBUTE}{literal})" if not is_test(path) else r"(?!)"
    )
    used = [_line(text, match.end()) for match in requests.finditer(text)]
    word = re.escape(route.rstrip("/").rpartition("/")[2])
    # A string that ends with the last word of the path, and is no request, may be a route.
    ending = re.findall(rf"""["'`][^"'`\s]*(?<![\w-]){word}/?["'`]""", text)
    whole = [each for each in ending if each[1:-1] == route]
    if is_test(path):
        return []
    return used if len(ending) == len(whole) and len(whole) <= len(used) else None


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
