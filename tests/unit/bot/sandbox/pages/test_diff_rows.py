"""Rows of a diff: the right numbers on both sides."""

from bot.sandbox.pages.diff_rows import rows

PATCH = """@@ -1,3 +1,4 @@ def f():
 a
-b
+c
+d
 e
\\ No newline at end of file"""


def test_each_row_has_its_numbers() -> None:
    found = [(row.kind, row.old, row.new, row.text) for row in rows(PATCH, "x.py")]
    assert found == [
        ("hunk", None, None, "@@ -1,3 +1,4 @@ def f():"),
        ("context", 1, 1, "a"),
        ("del", 2, None, "b"),
        ("add", None, 2, "c"),
        ("add", None, 3, "d"),
        ("context", 3, 4, "e"),
    ]


def test_code_is_colored_and_escaped() -> None:
    [_, row] = rows("@@ -0,0 +1 @@\n+if a < b: pass", "x.py")
    assert "&lt;" in row.code
    assert "<span" in row.code


def test_nothing_has_no_rows() -> None:
    assert rows("", "x.py") == []
