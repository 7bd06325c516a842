"""Signed, expiring links to one review (pure): who sees the check run may see the review.

A link's query is `?key=<expires>.<signature>`; the signature holds purpose, review and
expiry. A link for reports opens no page, and a link for one review no other.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.config.settings import Settings
from bot.domain.report_format import ReportFormat
from bot.security.signing import is_signed, signature, signing_keys

_DAY = 86_400

_VALUE = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})")


class Purpose(StrEnum):
    PAGE = "page"  # the status page and its feed
    REPORT = "report"  # the report, in any format


@dataclass(frozen=True, slots=True)
class Links:
    """Signed addresses: the live page, and the report by its format's label; and GitHub's
    of the comments on findings, by fingerprint. Empty where there is none."""

    page: str = ""
    reports: Mapping[str, str] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)


def sign(key: bytes, purpose: Purpose, review_id: str, expires: int) -> str:
    """The value of `?key=`; `expires` in seconds since the epoch."""
    return f"{expires}.{signature(key, 'link', purpose, review_id, str(expires))}"


def verify(
    keys: Sequence[bytes], purpose: Purpose, review_id: str, value: str, now: float
) -> int | None:
    """When the link expires (seconds since the epoch), or None if it is not ours, is for
    something else, or has expired."""
    match = _VALUE.fullmatch(value)
    if match is None:
        return None
    expires, given = match.groups()
    if not is_signed(keys, given, "link", purpose, review_id, expires) or int(expires) <= now:
        return None
    return int(expires)


def review_links(settings: Settings, review_id: str, now: float | None = None) -> Links:
    """Absolute links to the review, good for `link_days`, or as long as its report is kept: they
    stand in mails, and need no sign-in.

    They change once a day only, so that texts that carry them stay the same. Raises
    SettingsError if there is nothing to sign with.
    """
    today = int(time.time() if now is None else now) // _DAY
    days = min(settings.link_days, settings.keep_days)
    key, expires = signing_keys(settings)[0], (today + 1 + days) * _DAY
    base = settings.public_url
    return Links(
        f"{base}{page_path(key, review_id, expires)}",
        report_links(key, review_id, expires, base=base),
    )


def page_path(key: bytes, review_id: str, expires: int) -> str:
    return f"/reviews/{review_id}?key={sign(key, Purpose.PAGE, review_id, expires)}"


def report_links(key: bytes, review_id: str, expires: int, *, base: str = "") -> dict[str, str]:
    """The report's address in each format, by the format's label."""
    value = sign(key, Purpose.REPORT, review_id, expires)
    path = f"{base}/api/reviews/{review_id}/report"
    return {format.label: f"{path}.{format}?key={value}" for format in ReportFormat}
