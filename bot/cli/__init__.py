"""The `glossator` command."""
