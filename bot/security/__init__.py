"""Signatures, signed links, trusted certificates, and the addresses we may call."""
