"""Runs alone, as a program in the sandbox: bandit, with the arguments of its own command.

It draws its progress with rich, which is a fifth of its start, and draws none when it is quiet.
"""

import sys
from types import ModuleType

sys.modules["rich"] = _rich = ModuleType("rich")
_rich.progress = None  # type: ignore[attr-defined]

from bandit.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
