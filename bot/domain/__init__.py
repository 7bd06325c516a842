"""The words of a review, as frozen dataclasses and pure functions: no I/O, no GitHub JSON."""
