"""The scan: clone, diff, selection, analysers, context, batches. The clone never leaves it."""
