"""What a mistake on the command line is called: one plain sentence, for people and for logs."""

import re

import typer


class CommandError(Exception):
    """Raised when a command cannot go on; its message is one sentence that says what to do."""


def error_message(error: typer.TyperException) -> str:
    """What was wrong and, where the parser found it out, how to see what would be right; "" for
    the lack of any command, which has the help printed.

    Typer says it in several sentences with a usage line around them, in a box as wide as the
    terminal; whoever reads it in a log of a CI job has no use for that.
    """
    text = " ".join(error.format_message().split()).replace("Value error, ", "")
    text = re.sub(r"Input should be a valid (\w+), unable to parse.*", r"must be a valid \1", text)
    text = re.sub(r"\. ([A-Z])", lambda found: f"; {found[1].lower()}", text)
    context = getattr(error, "ctx", None)  # of what the parser found out
    if context is None or not text or text.endswith("?"):
        return text
    return f"{text.rstrip('.')}; see `{context.command_path} --help`."
