"""Web addresses of code on GitHub."""

from dataclasses import dataclass
from urllib.parse import quote

from bot.domain.diff import Side
from bot.domain.model import Finding, Place


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
