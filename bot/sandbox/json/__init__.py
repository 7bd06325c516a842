"""The sandbox's records as GitHub's JSON."""
