"""Colours for hostile code: never at the price of the time it takes."""

from time import process_time

import pytest
from pygments import highlight
from pygments.formatters import NullFormatter
from pygments.lexers.special import TextLexer

from bot.text.lexers import MAX_CHARACTERS, lexer_for


@pytest.mark.parametrize(
    ("path", "piece"),
    [
        ("a.mcschema", "<!--"),  # doubles with each piece
        ("a.ezt", "\t"),  # grows with the cube
        ("a.cs", "a\n"),
        ("a.c", "\n"),
        ("a.html", "("),
        ("a.py", "\\"),
    ],
)
def test_no_file_name_chooses_a_lexer_that_takes_long(path: str, piece: str) -> None:
    for size in (MAX_CHARACTERS, 20_000):
        code = (piece * size)[:size]
        lexer = lexer_for(code, path=path)
        begun = process_time()
        highlight(code, lexer, NullFormatter())
        assert process_time() - begun < 5


@pytest.mark.timeout(30)
@pytest.mark.parametrize("chosen", [{"path": "README.md"}, {"language": "markdown"}])
def test_no_code_in_markdown_chooses_one_either(chosen: dict[str, str]) -> None:
    code = "```mcschema\n" + "<!--" * 400 + "\n```\n"
    begun = process_time()
    highlight(code, lexer_for(code, **chosen), NullFormatter())
    assert process_time() - begun < 5


@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.tf", "Dockerfile", "src/b.hpp", "c.yml"])
def test_common_files_have_colors(path: str) -> None:
    assert not isinstance(lexer_for("x", path=path), TextLexer)


def test_a_language_is_found_by_its_name_too() -> None:
    assert lexer_for("x", language="js").name == "JavaScript"
    assert isinstance(lexer_for("x", language="mcschema"), TextLexer)
    assert isinstance(lexer_for("x", language="no-such"), TextLexer)
