"""Gates that import contracts cannot say: who starts programs, git above all, and who makes the
environment of templates."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What starts a program, as `asyncio` and `subprocess` call it, and their events' loops.
STARTS = {
    *("create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell"),
    *("run", "Popen", "call", "check_call", "check_output"),
}
OWNERS = {
    "bot/runtime/subprocesses.py": "git and the like, on what is ours",
    "bot/cli/demo/commit_range.py": "git, before anything else runs",
    "bot/cli/embedded_redis.py": "the embedded Redis",
    "bot/cli/redis_program.py": "which Redis is installed",
    "bot/cli/processes.py": "the processes of `glossator serve`",
    "bot/sandbox/git/git.py": "git of the simulated GitHub",
    "bot/sandbox/git/http.py": "git of the simulated GitHub, over HTTP",
    "workers/scan/repository/process.py": "foreign programs on foreign code, within limits",
    "workers/scan/analyzers/isolation.py": "what isolates those",
}
#: Those that name git as a program; others get it from them.
GIT_OWNERS = {
    "bot/runtime/subprocesses.py",
    "bot/sandbox/git/git.py",
    "bot/sandbox/git/http.py",
}


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    paths = (path for name in ("bot", "workers") for path in (ROOT / name).rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def files_with(trees: dict[str, ast.Module], found: Callable[[ast.AST], bool]) -> set[str]:
    return {name for name, tree in trees.items() if any(map(found, ast.walk(tree)))}


def test_programs_are_started_by_few(trees: dict[str, ast.Module]) -> None:
    assert files_with(trees, _starts_program) == set(OWNERS)


def test_git_is_named_as_a_program_by_few(trees: dict[str, ast.Module]) -> None:
    assert files_with(trees, _names_git) == GIT_OWNERS


def test_templates_are_read_through_one_environment(trees: dict[str, ast.Module]) -> None:
    def makes_environment(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and _name(node) in ("Environment", "FileSystemLoader")

    assert not files_with(trees, makes_environment)


def _starts_program(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    if node.func.attr in ("subprocess_exec", "subprocess_shell"):
        return True
    return (
        isinstance(owner, ast.Name)
        and owner.id in ("asyncio", "subprocess")
        and node.func.attr in STARTS
        and (owner.id, node.func.attr) != ("asyncio", "run")
    )


def _names_git(node: ast.AST) -> bool:
    """The first of a program's words: of a tuple or list, or of the arguments that start it."""
    words: list[ast.expr] = []
    if isinstance(node, ast.Tuple | ast.List):
        words = node.elts
    elif isinstance(node, ast.Call) and _starts_program(node):
        words = node.args
    return any(isinstance(word, ast.Constant) and word.value == "git" for word in words[:1])


def _name(node: ast.Call) -> str:
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")
