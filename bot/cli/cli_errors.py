"""What a mistake on the command line is called: one plain sentence, for people and for logs."""

import re

import typer


def sentence(mistake: typer.TyperException) -> str:
    """What was wrong and, where the parser found it out, how to see what would be right; "" for
    the lack of any command, which has the help printed.

    Typer says it in several sentences with a usage line around them, in a box as wide as the
    terminal; whoever reads it in a log of a CI job has no use for that.
    """
    said = " ".join(mistake.format_message().split()).replace("Value error, ", "")
    said = re.sub(r"\. ([A-Z])", lambda found: f"; {found[1].lower()}", said)
    context = getattr(mistake, "ctx", None)  # of what the parser found out
    if context is None or not said or said.endswith("?"):
        return said
    return f"{said.rstrip('.')}; see `{context.command_path} --help`."
