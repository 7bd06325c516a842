"""What Python projects declare, read as data."""

import pytest

from workers.scan.selection.python_project import PythonProject, PythonProjects, wanted


@pytest.mark.parametrize(
    ("name", "text", "builtins", "minor"),
    [
        ("pyproject.toml", '[tool.ruff]\nbuiltins = ["_", "ugettext"]\n', {"_", "ugettext"}, None),
        ("pyproject.toml", '[tool.ruff]\ntarget-version = "py39"\n', set(), 9),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.10,<4"\n', set(), 10),
        ("pyproject.toml", '[project]\nrequires-python = "~=3.11"\n', set(), 11),
        ("pyproject.toml", '[project]\nrequires-python = "==3.12.*"\n', set(), 12),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.8"\n', set(), 8),
        (
            "pyproject.toml",
            '[project]\nrequires-python = ">=3.8"\n[tool.ruff]\ntarget-version = "py310"\n',
            set(),
            10,
        ),
        ("pyproject.toml", '[project]\nrequires-python = ">=2.7, !=3.0.*, !=3.1.*"\n', set(), None),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.2"\n', set(), 7),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.99"\n', set(), 14),
        ("pyproject.toml", "[project\n", set(), None),
        ("pyproject.toml", 'project = 1\ntool = "x"\n', set(), None),
        ("pyproject.toml", '[tool.ruff]\nbuiltins = "x"\ntarget-version = 3\n', set(), None),
        ("pyproject.toml", '[tool.ruff]\nbuiltins = ["a b", 3, "ok"]\n', {"ok"}, None),
        ("pyproject.toml", "a = " + "[" * 5000, set(), None),
        ("ruff.toml", 'builtins = ["x"]\ntarget-version = "py311"\n', {"x"}, 11),
        ("setup.cfg", "[options]\npython_requires = >=3.9\n", set(), 9),
        ("setup.cfg", "[flake8]\nbuiltins = _, N_\n  x\n", {"_", "N_", "x"}, None),
        (".flake8", "[flake8]\nbuiltins=_\n", {"_"}, None),
        ("tox.ini", "[flake8]\nbuiltins = _\n", {"_"}, None),
        ("tox.ini", "no section\n", set(), None),
    ],
)
def test_what_a_file_declares(name: str, text: str, builtins: set[str], minor: int | None) -> None:
    assert PythonProjects({name: text}).of("a/b.py") == PythonProject(frozenset(builtins), minor)


def test_the_nearest_folder_has_the_version_and_all_above_have_names() -> None:
    projects = PythonProjects(
        {
            "pyproject.toml": '[project]\nrequires-python = ">=3.9"\n',
            "tox.ini": "[flake8]\nbuiltins = a\n",
            "web/pyproject.toml": '[project]\nrequires-python = ">=3.12"\n',
            "web/.flake8": "[flake8]\nbuiltins = b\n",
        }
    )
    assert projects.of("x.py") == PythonProject(frozenset("a"), 9)
    assert projects.of("web/src/x.py") == PythonProject(frozenset("ab"), 12)
    assert projects.of("website/x.py") == PythonProject(frozenset("a"), 9)


def test_only_files_that_hold_for_a_changed_one_are_wanted() -> None:
    tree = ["setup.cfg", "web/pyproject.toml", "web/src/x.py", "api/pyproject.toml", "x.md"]
    assert wanted(tree, ["web/src/x.py"]) == ["setup.cfg", "web/pyproject.toml"]
    assert wanted(tree, ["api/x.js", "x.md"]) == []
