"""Trees whose names, sizes and depths are made to confuse, escape or exhaust."""

import gzip
import io
import zipfile

from .case import Hostile

_LINK = "120000"


def shapes() -> dict[str, Hostile]:
    """By name."""
    return {**_names(), **_links(), **_bombs(), **_texts()}


def _names() -> dict[str, Hostile]:
    return {
        "names that are options": Hostile(
            {
                "-rf": "x",
                "--config=evil.toml": "x",
                "--upload-pack=x.py": "x = 1\n",
                "--output=canary": "x",
                "-": "x",
                "--": "x",
                "@file.py": "x = 1\n",
                ":(exclude)*": "x",
                ":(top)x.py": "x = 1\n",
                "*.py": "x = 1\n",
            }
        ),
        "names that are commands": Hostile(
            {
                "$(touch canary).py": "x = 1\n",
                "`touch canary`.py": "x = 1\n",
                "; touch canary #.py": "x = 1\n",
                "| touch canary": "x",
                "a && touch canary.sh": "echo $1\n",
            }
        ),
        "odd names": Hostile(
            {
                b"\xff\xfe.py": "x = 1\n",
                "new\nline.py": "x = 1\n",
                "tab\t.py": "x = 1\n",
                'quote"d.py': "x = 1\n",
                "sp ace.py": "x = 1\n",
                " .py": "x = 1\n",
                "\u202eyp.py": "x = 1\n",
                "back\\slash.py": "x = 1\n",
            }
        ),
        "control characters": Hostile(
            {**{f"c{chr(n)}.py": "x = 1\n" for n in range(1, 32)}, "del\x7f.py": "x = 1\n"}
        ),
        "diff headers as names": Hostile(
            {
                "a\n+++ b/evil.py\n@@ -1 +1 @@\n+x": "x",
                "diff --git a b": "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
                "x => y": "x",
                "{old => new}": "x",
            }
        ),
        "device names": Hostile(
            {"CON": "x", "aux.py": "x = 1\n", "NUL": "x", "dev/null": "x", "a.py:stream": "x"}
        ),
        "names that meet": Hostile(
            {"A.py": "x = 1\n", "a.py": "y = 2\n", "e\u0301.py": "x = 1\n", "\xe9.py": "y = 2\n"}
        ),
        "deep": Hostile({"d/" * 300 + "a.py": "x = 1\n"}),
        "long names": Hostile({"n" * 250 + ".py": "x = 1\n", ("p" * 200 + "/") * 18 + "a.py": "x"}),
    }


def _links() -> dict[str, Hostile]:
    return {
        "links out of the tree": Hostile(
            {
                "passwd.py": "/etc/passwd",
                "up.py": "../" * 20 + "etc/passwd",
                "proc.py": "/proc/self/environ",
                "zero.py": "/dev/zero",
                "loop.py": "loop.py",
                "self": ".",
            },
            modes=dict.fromkeys(
                ("passwd.py", "up.py", "proc.py", "zero.py", "loop.py", "self"), _LINK
            ),
        ),
        "a file becomes a link": Hostile(
            {"app.py": "/etc/passwd"}, {"app.py": _LINK}, before={"app.py": "x = 1\n"}
        ),
        "a link becomes a folder": Hostile(
            {"app/x.py": "x = y\n", "other.py": "x = 1\n"}, before={"other.py": "x = 2\n"}
        ),
        "a link with a long target": Hostile({"l.py": "x" * 100_000}, {"l.py": _LINK}),
    }


def _bombs() -> dict[str, Hostile]:
    letters = [chr(98 + n) for n in range(24)]
    doubled = "".join(
        f"{one}: &{one} [*{chr(ord(one) - 1)}, *{chr(ord(one) - 1)}]\n" for one in letters
    )
    entities = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};">' for n in range(1, 40))
    return {
        "attributes bomb": Hostile(
            {"a" * 200 + ".py": "x = 1\n"},
            before={".gitattributes": ("*a" * 500 + " linguist-generated\n") * 200},
        ),
        "yaml bomb": Hostile({"bomb.yaml": f"a: &a [x, x]\n{doubled}"}),
        "workflow bomb": Hostile(
            {".github/workflows/b.yml": f"on: push\na: &a [x, x]\n{doubled}\njobs: *y\n"}
        ),
        "xml bomb": Hostile({"bomb.xml": f'<!DOCTYPE x [<!ENTITY e0 "x">{entities}]><x>&e39;</x>'}),
        "nesting bomb": Hostile(
            {
                "bomb.json": "[" * 100_000,
                "bomb.yaml": "[" * 20_000,
                "bomb.toml": "a = " + "[" * 5000,
                "bomb2.py": "(" * 5000 + "\n",
            }
        ),
        "nested code": Hostile(
            {
                "a.js": "[" * 20_000,
                "b.c": "{" * 20_000,
                "c.html": "<div>" * 20_000,
                "d.sh": "$(" * 3000 + "\n",
                "e.go": "package a\nfunc f() {" + "if x {" * 5000,
                "f.py": "".join(" " * n + "if x:\n" for n in range(90)) + " " * 91 + "y\n",
                "Dockerfile": "FROM a\n" + "RUN a \\\n" * 20_000,
                "g.py": "x = " + "-" * 50_000 + "1\n",
                "h.rs": "fn f() {" + "&" * 20_000,
            }
        ),
        "regex bomb": Hostile(
            {
                "r.py": "import re\nre.match('(a+)+$', 'a' * 50 + '!')\n# " + "a" * 20_000 + "!\n",
                "s.txt": "password = '" + "\\'" * 20_000 + "\n" + "eyJ-" * 20_000 + "\n",
                "t.sh": "#!/bin/sh\n" + "a=${a:-${a:-" * 2000 + "\n",
                "u.md": "[" * 5000 + "](" * 5000,
            }
        ),
        "archives": Hostile(
            {"a.zip": _zip_bomb(), "b.gz": gzip.compress(bytes(10 << 20)), "c.py": _zip_bomb()}
        ),
        "one long line": Hostile({"long.py": "x = [" + "1," * 400_000 + "]\n"}),
        "empty lines": Hostile({"empty.py": "\n" * 900_000}),
        "a million findings": Hostile({"flood.py": "a;" * 60_000 + "\n" + "x = y\n" * 30_000}),
        "40 MB of nothing": Hostile({"huge.py": bytes(40 << 20)}),
        "a repository of attributes": Hostile(
            {f"d{n}/.gitattributes": f"* linguist-generated\n# {n}\n" for n in range(60)}
        ),
    }


def _zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../canary", bytes(20 << 20))
    return buffer.getvalue()


def _texts() -> dict[str, Hostile]:
    return {
        "binary in disguise": Hostile(
            {"a.py": b"\0\1\2" * 1000, "utf16.py": "x = 1\n".encode("utf-16")}
        ),
        "not utf-8": Hostile(
            {
                "latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
                "utf7.py": b"# -*- coding: utf-7 -*-\nx = '+AGE-'\n",
                "lone.py": b"x = '\xed\xa0\x80\xc0\xaf'\n",
            }
        ),
        "line ends": Hostile(
            {
                "cr.py": "x = 1\ry = 2\r",
                "mixed.py": "x = 1\r\ny = 2\n\rz = 3",
                "unicode.py": "x = 1\u2028y = 2\u2029z = 3\x85\x0c\x0b\n",
                "no_end.py": "x = 1",
            }
        ),
        "a patch in a patch": Hostile(
            {
                "p.py": "@@ -1,1 +1,1 @@\n-a\n+b\n--- a/x\n+++ b/x\n\\ No newline at end of file\n"
                "diff --git a/evil b/evil\nnew file mode 100755\n"
            }
        ),
        "hidden characters": Hostile(
            {
                "h.py": "x = '\u202e\u2066 # admin\u2069\u200b'\n",
                "i.py": f"y = '{chr(0xE0041) * 50}'\n",
            }
        ),
        "terminal escapes": Hostile({"t.py": "x = '\x1b]0;owned\x07\x1b[2J\x1b[31m'\n"}),
    }
