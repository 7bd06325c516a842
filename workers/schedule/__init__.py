"""Jobs that run on a clock."""
