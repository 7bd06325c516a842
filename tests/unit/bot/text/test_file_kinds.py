"""Files that are not what their name says."""

import pytest

from bot.text.file_kinds import allows_comments, has_control_marks, language_of_file
from bot.text.languages import language_of


@pytest.mark.parametrize(
    "path",
    [
        "tsconfig.json",
        "packages/a/tsconfig.build.json",
        "TSConfig.Base.JSON",
        "jsconfig.json",
        ".vscode/settings.json",
        "a/.vscode/launch.json",
        ".eslintrc.json",
        ".eslintrc",
        ".babelrc",
        ".swcrc",
        "angular.json",
        "nx.json",
        "apps/web/project.json",
        ".devcontainer/devcontainer.json",
        ".devcontainer/python/devcontainer.json",
        "devcontainer.json",
        "a.jsonc",
        "web.code-workspace",
        "renovate.json5",
        "babel.config.json",
        "renovate.json",
        ".renovaterc.json",
        "api-extractor.json",
        "tslint.json",
        "deno.json",
        "wrangler.json",
        "biome.json",
        "turbo.json",
        "appsettings.Development.json",
        "Properties/launchSettings.json",
        "global.json",
        "common/config/rush/pnpm-config.json",
        "rush.json",
        "firebase.json",
        ".markdownlint.json",
        "typedoc.json",
        "_locales/en/messages.json",
        "my-color-theme.json",
    ],
)
def test_readers_of_these_take_comments(path: str) -> None:
    assert allows_comments(path)


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "data.json",
        "composer.json",
        "a/tsconfig/b/c.json",
        "mytsconfig.json",
        "vscode/a.json",
        "locales/en.json",
        "openapi.json",
        "schema.json",
        "bower.json",
    ],
)
def test_readers_of_others_do_not(path: str) -> None:
    assert not allows_comments(path)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("Dockerfile", "dockerfile"),
        ("docker/Dockerfile.alpine", "dockerfile"),
        ("Dockerfile.node18", "dockerfile"),
        ("web.dockerfile", "dockerfile"),
        ("Containerfile", "dockerfile"),
        ("Dockerfile.dockerignore", ""),
        ("Dockerfile.j2", ""),
        ("Dockerfile.template", ""),
        ("Dockerfile.in", ""),
        ("Dockerfile.md", "markdown"),
        ("Dockerfile.sh", "bash"),
        ("Dockerfile.orig", ""),
        ("deploy.sh.j2", ""),
        ("a.py.tmpl", ""),
        ("a.py.jinja", ""),
        ("chart/_helpers.tpl", ""),
        ("database.yml.erb", ""),
        ("config.h.in", ""),
        ("settings.py.bak", ""),
    ],
)
def test_templates_copies_and_notes_have_no_language(path: str, language: str) -> None:
    assert language_of(path, "#!/bin/bash" if language == "" else "") == language


JINJA = "{% if cli %}\nimport click\n{% endif %}\nprint(1)\n"


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        ("a.py", "x = 1\n", "python"),
        ("a.py", JINJA, ""),
        ("a.py", 'T = """\n{% if x %}\n{{ y }}\n"""\n', "python"),  # a text, in code that parses
        ("a.py", "def f(:\n", "python"),
        ("a.py", 'x = "{%s}" % (1,\n', "python"),
        ("a.py", "import {{ cookiecutter.package }}\n", ""),
        ("a.py", "print({{cookiecutter.x}})\n", ""),  # it parses, as a set
        ("{{cookiecutter.slug}}/a.py", "x = 1\n", ""),
        ("template/{% if x %}a.py{% endif %}", "x = 1\n", ""),
        ("a.js", "---\nlayout: null\n---\nvar x = {{ site.data | jsonify }};\n", ""),
        ("search.json", '---\n---\n[{% for p in posts %}"{{ p }}"{% endfor %}]\n', ""),
        ("a.yml", "---\na: 1\n---\nb: 2\n", "yaml"),
        ("a.md", "---\ntitle: x\n---\ntext\n", "markdown"),
        ("a.tsx", "export const A = () => <p style={{ color: 1 }} />;\n", "tsx"),
        ("a.jsx", "export const A = () => <p style={{ color: 1 }} >;\n", "javascript"),
        ("a.sh", "docker inspect --format '{{.State}}' x\n", "bash"),
        ("Dockerfile", "FROM a:1\n{% if x %}\nRUN b\n{% endif %}\n", ""),
    ],
)
def test_the_language_of_a_file(path: str, text: str, language: str) -> None:
    assert language_of_file(path, text) == language


@pytest.mark.parametrize(
    ("text", "chooses"),
    [
        ("a: {{ .Values.a }}\n", False),
        ("{{- if .Values.a }}\na: 1\n{{- end }}\n", True),
        ("#{% if a %}\na: 1\n", True),
        ("{{#each x}}\n", True),
        ("run: echo ${{ github.ref }}\n", False),
    ],
)
def test_marks_that_choose_what_is_in_a_file(text: str, chooses: bool) -> None:
    assert has_control_marks(text) is chooses
