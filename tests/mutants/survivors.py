"""Mutants that change nothing that anybody could see, each with the reason."""

#: By module, the change as it is printed, and why it is equivalent.
EQUIVALENT: dict[str, dict[str, str]] = {
    "workers.analysis.anchor": {
        "for line in hunk.lines if line.new is not None → for line in hunk.lines": (
            "the hunk of the line None is never asked for"
        ),
    },
}
