"""One number for a change (pure).

    score = round(100 · exp(-weight / (50 · size)))

`weight` is the sum over the findings of severity (critical 40, high 20, medium 8, low 2,
info 0.5) times confidence (0..1). `size` is 1 + log2(1 + changed lines / 100): a large change
may hold more before its score falls. Without findings the score is 100; another finding, a
higher severity or a higher confidence never raises it, more changed lines never lower it.
One certain finding in a change of ten lines: critical 49, high 70, medium 87, low 97.
"""

import math
from collections.abc import Iterable

from bot.domain.model import Finding, Severity

WEIGHTS = {
    Severity.CRITICAL: 40.0,
    Severity.HIGH: 20.0,
    Severity.MEDIUM: 8.0,
    Severity.LOW: 2.0,
    Severity.INFO: 0.5,
}
_SCALE = 50.0
_LINES = 100


def score(findings: Iterable[Finding], changed_lines: int) -> int:
    """0 (bad) to 100 (nothing found) for a change of `changed_lines` (added and removed)."""
    weight = sum(WEIGHTS[f.severity] * min(1.0, max(0.0, f.confidence)) for f in findings)
    size = 1 + math.log2(1 + max(0, changed_lines) / _LINES)
    return round(100 * math.exp(-weight / (_SCALE * size)))
