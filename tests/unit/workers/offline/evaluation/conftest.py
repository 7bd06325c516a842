"""Cases as folders on disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Write = Callable[..., Path]


@pytest.fixture
def write_case(tmp_path: Path) -> Write:
    """Writes `cases/<name>`: `spec` as case.yml (text as it stands), `base` and `head` as files."""

    def write(
        name: str, spec: dict[str, Any] | str, *, base: dict[str, str], head: dict[str, str]
    ) -> Path:
        folder = tmp_path / "cases" / name
        folder.mkdir(parents=True)
        text = spec if isinstance(spec, str) else yaml.safe_dump(spec)
        (folder / "case.yml").write_text(text)
        for side, files in (("base", base), ("head", head)):
            for path, content in files.items():
                target = folder / side / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content)
        return folder

    return write
