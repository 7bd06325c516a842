"""The commands of comments: a file each, and `run.py`, whose table names them all."""
