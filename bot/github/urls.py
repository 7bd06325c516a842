"""Addresses of repository endpoints, safe for names that somebody else chose."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_DOTS = frozenset({".", ".."})


def repo_url(repo: str, *parts: str | int, **query: str | int) -> str:
    """The path of an endpoint below a repository; each part and value is quoted.

    Raises ValueError when `repo` is not `owner/name`, or when a part is empty or made of dots:
    URL libraries resolve such parts and would ask for something else.

    >>> repo_url("octo/hello", "pulls", 7, "files", per_page=100)
    '/repos/octo/hello/pulls/7/files?per_page=100'
    """
    owner, _, name = repo.partition("/")
    for word in (owner, name):
        if not _NAME.fullmatch(word) or word in _DOTS:
            raise ValueError(f"{repo[:100]!r} is not a repository's name: expected owner/name.")
    quoted = []
    for part in map(str, parts):
        if not part or part in _DOTS:
            raise ValueError(f"{part!r} cannot stand in an address of GitHub's API.")
        quoted.append(quote(part, safe=""))
    address = "/".join(["/repos", owner, name, *quoted])
    return f"{address}?{urlencode(query)}" if query else address
