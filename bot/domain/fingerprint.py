"""The name of a finding that lasts from push to push (pure).

It is made of the path, the kind (a category, or an analyser's rule as `ruff:F821`)
and the quoted code with white space folded: lines may move and an LLM may find
other words, the fingerprint stays.
"""

import hashlib

#: Hex digits kept: 64 bits, so that two findings of one repository never meet.
_LENGTH = 16


def fingerprint(path: str, kind: str, quote: str) -> str:
    """16 hex digits for the finding of that kind on that code in that file."""
    code = "\n".join(
        normalized for line in quote.splitlines() if (normalized := " ".join(line.split()))
    )
    identity = "\0".join((path, kind, code)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(identity).hexdigest()[:_LENGTH]
