"""Every text that people or the LLM read; `templates.DIRECTORY` is where they lie."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
