"""Mutants that change nothing that anybody could see, each with the reason."""

#: By module, the function and the change as they are printed, and why it is equivalent.
EQUIVALENT: dict[str, dict[str, str]] = {
    "workers.analysis.anchor": {
        "_hunks_by_line: for line in hunk.lines if line.new is not None → for line in hunk.lines": (
            "the hunk of the line None is never asked for"
        ),
    },
    "bot.text.globs": {
        "_entered_by: 0 → 1": "its bit is the first state's, and no character leads there",
    },
}
