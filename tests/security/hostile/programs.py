"""Trees that would run something, or silence an analyser, if any program obeyed them."""

from pathlib import Path

from .case import Hostile


def programs(canary: Path) -> dict[str, Hostile]:
    """By name; each tries to make the file `canary`."""
    touch = f"touch {canary}"
    shell = f"#!/bin/sh\n{touch}\n"
    python = f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n"
    javascript = f"require('child_process').execSync('{touch}')\n"
    executable = "100755"
    return {
        **_of_git(touch, shell),
        **_of_python(python),
        "ruff configuration": Hostile(
            {
                "ruff.toml": 'extend = "/etc/passwd"\nexclude = ["*"]\n',
                ".ruff.toml": 'exclude = ["*"]\n',
                "pyproject.toml": "[tool.ruff]\nexclude = ['*']\nbuiltins = ['missing_name']\n",
            }
        ),
        "oxlint and eslint configuration": Hostile(
            {
                ".oxlintrc.json": '{"ignorePatterns": ["**"], "jsPlugins": ["./evil.js"]}',
                "evil.js": javascript,
                "eslint.config.js": javascript,
                ".eslintrc.js": javascript,
                "package.json": f'{{"scripts": {{"preinstall": "{touch}", "lint": "{touch}"}}}}',
                "node_modules/oxlint/index.js": javascript,
            }
        ),
        "shellcheckrc": Hostile(
            {
                ".shellcheckrc": "disable=all\nexternal-sources=true\nsource-path=/\n",
                "run.sh": '#!/bin/sh\n# shellcheck source=/etc/passwd\n. "$1"\nrm -rf "$1/"*\n',
            }
        ),
        "hadolint configuration": Hostile(
            {
                ".hadolint.yaml": "ignored: [DL3006, DL3008]\ntrustedRegistries: [evil.example]\n",
                "Dockerfile": f"FROM evil.example/x\nRUN {touch}\nONBUILD RUN {touch}\n",
            }
        ),
        "zizmor configuration": Hostile(
            {
                "zizmor.yml": "rules: {template-injection: {ignore: [x.yml]}}\n",
                ".github/zizmor.yml": "rules: {}\n",
                ".github/workflows/x.yml": "on: pull_request_target\njobs: {a: {runs-on: x, steps: "
                f"[{{uses: evil/a@main}}, {{run: '{touch} ${{{{ github.event.title }}}}'}}]}}}}\n",
                ".github/actions/a/action.yml": f"runs: {{steps: [run: {touch}]}}\n",
            }
        ),
        "secrets configuration": Hostile(
            {
                ".secrets.baseline": '{"plugins_used": [{"name": "E", "path": "file://evil.py"}]}',
                "evil.py": python,
            }
        ),
        "yaml that makes objects": Hostile(
            {
                "a.yaml": f'!!python/object/apply:os.system ["{touch}"]\n',
                "b.yaml": f"!!python/object/new:subprocess.Popen [[sh, -c, '{touch}']]\n",
            }
        ),
        "programs named as ours": Hostile(
            dict.fromkeys(("git", "bwrap", "ruff", "python", "bin/git", "true"), shell),
            modes=dict.fromkeys(("git", "bwrap", "ruff", "python", "bin/git", "true"), executable),
        ),
        "build files": Hostile(
            {
                "Makefile": f"all:\n\t{touch}\n$(shell {touch})\n",
                "CMakeLists.txt": f"execute_process(COMMAND {touch})\n",
                ".envrc": touch,
                ".bashrc": touch,
                ".tool-versions": "python 9\n",
                ".git-blame-ignore-revs": "--output=/tmp/x\n",
                ".pre-commit-config.yaml": f"repos: [{{hooks: [{{entry: {touch}}}]}}]\n",
            }
        ),
    }


def _of_git(touch: str, shell: str) -> dict[str, Hostile]:
    return {
        "filters": Hostile(
            {
                ".gitattributes": "* filter=evil diff=evil merge=evil\n*.py -diff -text\n",
                ".gitconfig": f'[filter "evil"]\n\tsmudge = {touch}\n\tclean = {touch}\n',
            }
        ),
        "large file storage": Hostile(
            {
                ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
                ".lfsconfig": f"[lfs]\n\turl = ext::sh -c {touch}\n",
                "a.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:"
                + "0" * 64
                + "\nsize 9999999999\n",
            }
        ),
        "external diff": Hostile(
            {
                ".gitattributes": "*.py diff=evil\n*.md diff=astextplain\n",
                "config": f'[diff "evil"]\n\tcommand = {touch}\n\ttextconv = {touch}\n',
            }
        ),
        "hooks": Hostile(
            {
                "hooks/post-checkout": shell,
                "hooks/reference-transaction": shell,
                ".githooks/pre-commit": shell,
            },
            modes={"hooks/post-checkout": "100755", "hooks/reference-transaction": "100755"},
        ),
        "submodules with options": Hostile(
            {
                ".gitmodules": f'[submodule "a"]\n\tpath = a\n\turl = --upload-pack={touch}\n'
                f"\tupdate = !{touch}\n"
                f'[submodule "../../hooks"]\n\tpath = -u./x\n\turl = ext::sh -c "{touch}"\n'
                "\tshallow = true\n\tfetchRecurseSubmodules = true\n",
                "a": "1" * 40,
                "-u./x": "2" * 40,
            },
            modes={"a": "160000", "-u./x": "160000"},
        ),
        "gitmodules is a link": Hostile(
            {
                ".gitmodules": "/etc/passwd",
                ".gitattributes": "/etc/passwd",
                ".mailmap": "/dev/zero",
            },
            modes=dict.fromkeys((".gitmodules", ".gitattributes", ".mailmap"), "120000"),
        ),
    }


def _of_python(python: str) -> dict[str, Hostile]:
    return {
        "python that shadows": Hostile(
            {
                f"{name}.py": python
                for name in (
                    "yaml",
                    "json",
                    "typing",
                    "sitecustomize",
                    "usercustomize",
                    "tomllib",
                    "re",
                )
            }
        ),
        "packages that shadow": Hostile(
            {
                "yaml/__init__.py": python,
                "ruff/__main__.py": python,
                "evil.pth": f"import os; {python}",
                "x.dist-info/entry_points.txt": "[console_scripts]\nruff = evil:run\n",
                "evil.py": python,
            }
        ),
        "conftest and setup": Hostile(
            {
                "conftest.py": python,
                "setup.py": python,
                "setup.cfg": "[options.entry_points]\nx = y\n[flake8]\nexclude = *\n",
                "noxfile.py": python,
                "manage.py": python,
            }
        ),
        "pylint, flake8 and mypy configuration": Hostile(
            {
                "pylintrc": f"[MASTER]\ninit-hook={python.strip()}\nload-plugins=evil\n",
                ".flake8": "[flake8:local-plugins]\nextension = E = evil:run\npaths = .\n",
                "mypy.ini": "[mypy]\nplugins = evil.py\n",
                "tox.ini": "[pytest]\naddopts = -p evil\n",
                "evil.py": python,
            }
        ),
        "pickles": Hostile(
            {
                "cache.pkl": b"cos\nsystem\n(S'true'\ntR.",
                ".ruff_cache/0/x": b"\x80\x04.",
                "x.pyc": b"\0",
            }
        ),
    }
