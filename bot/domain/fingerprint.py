"""The name of a finding that lasts from push to push (pure).

It is made of the path, the kind (a category, or an analyzer's rule as `ruff:F821`)
and the quoted code with white space folded: lines may move and an LLM may find
other words, the fingerprint stays.
"""

import hashlib
import re
from collections.abc import Iterable

#: Hex digits kept: 64 bits, so that two findings of one repository never meet.
_LENGTH = 16

#: Two titles by a model that share this part of their words speak of one defect.
_SAME_WORDS = 0.5


def fingerprint(path: str, kind: str, quote: str, secrets: Iterable[str] = ()) -> str:
    """16 hex digits for the finding of that kind on that code in that file; 16 more where
    secrets are masked in the quote, of which `secrets` are keyed hashes: another value in the same
    place is another finding."""
    code = "\n".join(normalized_lines(quote))
    identity = "\0".join((path, kind, code)).encode("utf-8", "surrogatepass")
    name = hashlib.sha256(identity).hexdigest()[:_LENGTH]
    values = "\0".join(secrets)
    return name + hashlib.sha256(values.encode()).hexdigest()[:_LENGTH] if values else name


def normalized_lines(text: str) -> list[str]:
    """The lines of code that are not blank, with white space folded."""
    return [normalized for line in text.splitlines() if (normalized := " ".join(line.split()))]


def have_same_words(first: str, second: str) -> bool:
    """Whether two titles by a model are of one defect: most of their words are the same."""
    ours, theirs = (set(re.findall(r"\w+", title.casefold())) for title in (first, second))
    return len(ours & theirs) >= _SAME_WORDS * len(ours | theirs)


def secrets_part(name: str) -> str:
    """The digits of a fingerprint that tell values of secrets apart; "" where none is masked."""
    return name[_LENGTH:]


def names_secret(name: str) -> bool:
    """Whether a fingerprint is of one value of a secret."""
    return bool(secrets_part(name))
