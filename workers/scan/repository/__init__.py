"""A bounded clone of the change, and git as a subprocess that trusts nothing in it."""
