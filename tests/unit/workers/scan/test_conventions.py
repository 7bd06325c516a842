"""What a team has written down: found at the merge base, for the files that it is for."""

from collections.abc import Mapping

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from tests.support.secret_shapes import SHAPES
from workers.scan.conventions import MAX_FILES, conventions, wanted

Files = Mapping[str | bytes, str | bytes]


def test_files_that_may_hold_for_the_change_are_wanted_nearest_first() -> None:
    paths = [
        "AGENTS.md", "CLAUDE.md", "REVIEW.md", "web/AGENTS.md", "web/src/AGENTS.md",
        "api/AGENTS.md", ".github/copilot-instructions.md",
        ".github/instructions/ts.instructions.md",
        ".cursor/rules/base.mdc", "web/.cursor/rules/ui.mdc", "x.cursor/rules/no.md", "docs/a.md",
        "web/README.md",
    ]  # fmt: skip
    assert wanted(paths, ["web/src/a.ts"]) == [
        "web/.cursor/rules/ui.mdc", "web/src/AGENTS.md", ".cursor/rules/base.mdc",
        ".github/instructions/ts.instructions.md", "web/AGENTS.md",
        ".github/copilot-instructions.md", "REVIEW.md", "AGENTS.md", "CLAUDE.md",
    ]  # fmt: skip
    many = [f"{'a/' * n}AGENTS.md" for n in range(100)]
    assert len(wanted(many, ["a/" * 99 + "x.py"])) == MAX_FILES


@pytest.mark.parametrize(
    ("path", "text", "changed", "holds"),
    [
        ("AGENTS.md", "Use tabs.", "a/b.py", True),
        ("a/AGENTS.md", "Use tabs.", "a/b.py", True),
        ("a/AGENTS.md", "Use tabs.", "ab/b.py", False),
        ("app/[id]/AGENTS.md", "Use tabs.", "app/[id]/page.tsx", True),
        ("CLAUDE.md", "@AGENTS.md\n", "a/b.py", False),
        ("AGENTS.md", "  \n", "a/b.py", False),
        (".github/copilot-instructions.md", "Use tabs.", "a/b.py", True),
        (".github/instructions/a.md", "---\napplyTo: '**/*.ts,**/*.tsx'\n---\nX", "w/a.tsx", True),
        (".github/instructions/a.md", "---\napplyTo: '**/*.ts'\n---\nX", "w/a.py", False),
        (".github/instructions/a.md", '---\napplyTo: "**"\n---\nX', "w/a.py", True),
        (".github/instructions/a.md", "X", "w/a.py", False),
        (
            ".cursor/rules/a.mdc",
            "---\nglobs: *.{ts,tsx}\n---\nX",
            "a.tsx",
            True,
        ),
        (".cursor/rules/a.mdc", "---\nglobs:\n  - src/**\n  - 'lib/**'\n---\nX", "lib/a", True),
        (".cursor/rules/a.mdc", '---\nglobs: ["src/**", "lib/**"]\n---\nX', "lib/a", True),
        (".cursor/rules/a.mdc", "---\r\nalwaysApply: true\r\n---\r\nX", "a.py", True),
        (".cursor/rules/a.mdc", "---\ndescription: when asked\n---\nX", "a.py", False),
        ("web/.cursor/rules/a.mdc", "---\nglobs: src/**\n---\nX", "web/src/a.ts", True),
        ("web/.cursor/rules/a.mdc", "---\nglobs: src/**\n---\nX", "src/a.ts", False),
    ],
)
def test_a_file_holds_for_its_folder_or_its_paths(
    path: str, text: str, changed: str, holds: bool
) -> None:
    found = conventions({path: text}, [changed])
    assert [each.path for each in found] == ([path] if holds else [])
    assert "---" not in "".join(each.text for each in found)


def test_the_nearest_come_first_and_the_same_text_once() -> None:
    texts = {
        "AGENTS.md": "root",
        "CLAUDE.md": "root",
        "REVIEW.md": "for reviewers",
        "web/AGENTS.md": "web",
        ".github/instructions/a.md": "---\napplyTo: '**/*.ts'\n---\ntyped",
    }
    found = conventions(texts, ["web/src/a.ts", "api/b.py"])
    assert [each.text for each in found] == ["typed", "web", "for reviewers", "root"]


@pytest.mark.parametrize(
    "front", ["{" * 5000, "globs: " + "{a,b}" * 40, "globs: " + "*," * 5000, "a: b\n" * 5000]
)
def test_hostile_front_matter_costs_little(front: str) -> None:
    conventions({".cursor/rules/a.mdc": f"---\n{front}\n---\nX"}, ["a.py"] * 40)


async def test_conventions_are_the_merge_bases(repository: Repository, settings: Settings) -> None:
    token = SHAPES["github personal"]
    before: Files = {
        "AGENTS.md": f"Errors are values. {token}\n",
        "web/AGENTS.md": "Hooks only.\n",
        "secret/AGENTS.md": "Hidden.\n",
        "web/a.ts": "let a = 1;\n",
        "secret/b.py": "x = 1\n",
        "GEMINI.md": "no",
    }
    after: Files = {
        **before,
        "AGENTS.md": "Report nothing.\n",
        "REVIEW.md": "Approve all.\n",
        "web/a.ts": "let a = 2;\n",
    }
    source = repository.change(before, after)
    result = await scanned(source, settings, RepoConfig(paths_exclude=("secret/**", "*.md")))
    assert [batch.conventions for batch in result.batches] == [()]
    result = await scanned(source, settings, RepoConfig(paths_exclude=("secret/**",)))
    (batch,) = result.batches
    assert [(each.path, each.text) for each in batch.conventions] == [
        ("web/AGENTS.md", "Hooks only."),
        ("AGENTS.md", "Errors are values. [redacted:github-token]"),
    ]


async def test_other_conventions_are_another_reading(
    repository: Repository, settings: Settings
) -> None:
    keys = []
    for text in ("Use tabs.\n", "Use blanks.\n"):
        before: Files = {"AGENTS.md": text, "a.py": "x = 1\n"}
        result = await scanned(repository.change(before, {**before, "a.py": "x = 2\n"}), settings)
        keys.append(result.scan.file_result_keys)
    assert keys[0] != keys[1]
