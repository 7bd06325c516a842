"""Static analysers: one adapter each, run isolated and in parallel, with a common result."""
