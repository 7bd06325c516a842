"""Mutants that change nothing that anybody could see, each with the reason."""

_ON_BOTH_SIDES = "unchanged lines are two places then, and no comment stands on either"

#: By module, the function and the change as they are printed, and why it is equivalent.
EQUIVALENT: dict[str, dict[str, str]] = {
    "workers.analysis.anchor": {
        "_hunks_by_line: for line in hunk.lines if line.new is not None → for line in hunk.lines": (
            "the hunk of the line None is never asked for"
        ),
        "_marked: if not any((line.startswith(('+', '-')) for line in lines)): return No"
        " → if False: return None": "lines that begin with a space are the same without it, folded",
        "_contiguous: return all((before is not None and after == before + 1 for before, aft"
        " → return None": _ON_BOTH_SIDES,
        "_place: if not changed and _contiguous([line.new for line in lines]): side = S"
        " → if False: side = Side.RIGHT": _ON_BOTH_SIDES,
    },
    "workers.analysis.suggestions": {
        "_indent: match.group() if match else '' → match.group() if True else ''": (
            "the pattern matches every line, if only nothing of it"
        ),
    },
    "workers.reports.dedupe": {
        "_is_one: 0 → 1": "those of a kind have one source",
        "_is_one: False → True": "a finding that is alone gets no places by being one",
    },
    "bot.text.globs": {
        "_entered_by: 0 → 1": "its bit is the first state's, and no character leads there",
    },
}
