"""The sandbox's git repositories and their diffs."""
