"""The certificate authorities that are trusted."""

import functools
import ssl

import httpx2


@functools.cache
def trusted() -> ssl.SSLContext:
    """Read once a process for all its HTTP clients: each reading takes tens of milliseconds."""
    return httpx2.create_ssl_context()
