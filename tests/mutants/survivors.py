"""Mutants that change nothing that anybody could see, each with the reason."""

#: By module, the change as it is printed, and why it is equivalent.
EQUIVALENT: dict[str, dict[str, str]] = {}
