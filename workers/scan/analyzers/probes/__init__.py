"""Programs that run inside the analyzers' isolation, with nothing of ours imported."""
