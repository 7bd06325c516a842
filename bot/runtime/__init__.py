"""Process plumbing: tasks, child processes, signals and ports."""
