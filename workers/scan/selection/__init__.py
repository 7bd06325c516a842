"""Which changed files are read, and in which order."""
