"""What hides a process from others of its user."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource, sys
from bot.runtime.memory import hide_memory
if "hide" in sys.argv:
    hide_memory()
PR_GET_DUMPABLE = 3
dumpable = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
print(dumpable, resource.getrlimit(resource.RLIMIT_CORE)[0])
"""


def run(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hides a process")
def test_a_hidden_process_is_not_dumpable_and_leaves_no_core() -> None:
    """Linux then gives its files in /proc to root, and lets nobody of its user trace it."""
    assert run()[0] == "1"
    assert run("hide") == ["0", "0"]
