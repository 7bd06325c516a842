"""Files that are not quite what their name says: templates, and JSON with comments (pure).

A template becomes a file of its language only when it is filled in, so no analyzer of that
language is right about it.
"""

import re

from bot.text.languages import is_python, language_of, parses

_COMMENTED = """tsconfig*.json tsconfig/*.json jsconfig*.json tsdoc.json typedoc*.json
api-extractor*.json
.vscode/*.json .devcontainer/*.json .devcontainer/*/*.json .zed/*.json devcontainer*.json
*.code-workspace *.code-snippets snippets/*.json *-color-theme.json
*language-configuration.json .eslintrc .eslintrc.json .oxlintrc.json .oxfmtrc.json
tslint*.json .babelrc .babelrc.json babel.config.json .swcrc swc*.json .jshintrc .jscsrc
.stylelintrc .stylelintrc.json .prettierrc .prettierrc.json .markdownlint*.json .mocharc.json .nycrc
.hintrc .lintstagedrc .luarc.json .neoconf.json cspell.json .cspell.json angular.json
nx.json project.json workspace.json turbo.json rush.json config/rush/*.json
version-policies.json lerna.json pyrightconfig.json deno.json biome.json wrangler.json
dprint.json .dprint.json renovate.json .renovaterc .renovaterc.json firebase.json
database.rules.json appsettings*.json launchsettings.json global.json host.json
local.settings.json bicepconfig.json azuredeploy*.json cppproperties.json cmakesettings.json
manifest.json _locales/*/messages.json *.sublime-* settings.json keymap.json *.hujson
*.jsonc *.json5 *.cjson *.hjson"""
#: By pattern of the path's end, in small letters: files whose readers take comments and trailing
#: commas. TypeScript, VS Code, ESLint, Babel, SWC, Angular, Nx, dev containers, API Extractor,
#: Rush, .NET, Azure, Firebase, Renovate, Deno, Cloudflare, Biome, Prettier, Chrome and others.
_ALLOWS_COMMENTS = re.compile(
    "|".join("(?:.*/)?" + re.escape(p).replace(r"\*", "[^/]*") for p in _COMMENTED.split())
)

#: Marks of template languages: Jinja and Liquid, Go and Mustache, ERB and EJS. `${{` is an
#: expression of GitHub Actions.
_MARKS = re.compile(r"(?<!\$)\{\{|\{%|<%")
#: Marks that choose what is in the file at all.
_CONTROL_MARKS = re.compile(
    r"\{%-?\s*\w|<%|\{\{[-~]?\s*(?:[#/^]|(?:if|else|end|range|with|define|block|template)\b)"
)
#: In code: at a line's start, or whole tags. Strings hold braces for many other reasons.
_CODE_MARKS = re.compile(r"(?m)^[ \t]*(?:\{\{|\{%|<%)|\{%-?[ \t]+\w[^%\n]*%\}")
_COOKIECUTTER = re.compile(r"\{[{%]-?[^{}%\n]{0,80}\bcookiecutter\.")
#: Where a page begins with settings between dashes, Jekyll and its like fill in the rest.
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:[^\n]*\n){0,40}?---[ \t]*\r?\n")
_NO_FRONT_MATTER = frozenset(
    {"", "yaml", "markdown", "rst", "toml", "sql", "lua", "haskell", "elm"}
)


def allows_comments(path: str) -> bool:
    """Whether the readers of a JSON file of that name take comments and trailing commas."""
    return _ALLOWS_COMMENTS.fullmatch(path.lower()) is not None


def has_template_marks(text: str) -> bool:
    """Whether something in a data file is filled in before it is read."""
    return _MARKS.search(text) is not None


def has_control_marks(text: str) -> bool:
    """Whether parts of a data file are left out or repeated before it is read."""
    return _CONTROL_MARKS.search(text) is not None


def language_of_file(path: str, text: str) -> str:
    """The language that the text itself is in: `language_of`, but "" for a template."""
    language = language_of(path, text.partition("\n")[0])
    return "" if language and _is_template(path, language, text) else language


def _is_template(path: str, language: str, text: str) -> bool:
    if "{{" in path or "{%" in path or _COOKIECUTTER.search(text):
        return True
    if language not in _NO_FRONT_MATTER and _FRONT_MATTER.match(text):
        return True
    if not _CODE_MARKS.search(text):
        return False
    return not (is_python(text) if language == "python" else parses(language, text))
