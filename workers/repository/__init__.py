"""What is read at GitHub around a change: its configuration and description."""
