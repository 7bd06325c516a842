"""The cases hold code under review, some of it tests: none of it is ours to run."""

collect_ignore = ["cases"]
