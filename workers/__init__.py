"""The pipeline: one folder for each queue."""
