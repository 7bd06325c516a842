"""Addresses of repository endpoints, safe for names that somebody else chose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from bot.domain.diff import Side
from bot.domain.model import Finding, Place

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


@dataclass(frozen=True, slots=True)
class CodeLinks:
    """Web addresses of code at a change's head and at its merge base. `repository` is the
    repository's web address; without one there are none."""

    repository: str = ""
    head_sha: str = ""
    merge_base: str = ""

    def url(self, at: Finding | Place) -> str:
        """The lines, or the file of a finding without lines; "" where there is no GitHub.

        >>> CodeLinks("https://github.com/a/b", "4f2a").url(
        ...     Place(path="x.py", start_line=3, end_line=4)
        ... )
        'https://github.com/a/b/blob/4f2a/x.py#L3-L4'
        """
        if not self.repository:
            return ""
        sha = self.head_sha if at.side is Side.RIGHT else self.merge_base
        path = quote(at.path.encode("utf-8", "surrogateescape"))
        address = f"{self.repository}/blob/{sha}/{path}"
        if at.start_line is None or at.end_line is None:
            return address
        until = f"-L{at.end_line}" if at.end_line != at.start_line else ""
        return f"{address}#L{at.start_line}{until}"
