"""Changes to review: modules of plain Python, and what the stand-in says of them.

A module is known by its number. Reviews take numbers of their own: an answer of the LLM is
kept by the content of the question, and would make the next review faster.
"""

import re
from collections.abc import Iterable

from tests.support.llm_server import Reply, Request, agreeable, review

_DEFINED = re.compile(r"(pkg/part_(\d+)\.py)")


def path(number: int) -> str:
    return f"pkg/part_{number:06}.py"


def before(numbers: Iterable[int]) -> dict[str, str]:
    return {path(number): _module(number, changed=False) for number in numbers}


def after(numbers: Iterable[int]) -> dict[str, str]:
    return {path(number): _module(number, changed=True) for number in numbers}


def _module(number: int, *, changed: bool) -> str:
    """About eighty lines; a change touches two functions."""
    parts = [f'"""Part {number}."""\n\nimport math\n\nRATE = {number + 1}\n']
    for each in range(10):
        body = f"    total = RATE * {each} + math.floor(value)\n    return total + {number}\n"
        if changed and each in (2, 7):
            body = (
                f"    total = RATE * {each + 1} + math.ceil(value)\n"
                f"    if total > {number}:\n        total -= {each}\n    return total\n"
            )
        parts.append(f"\n\ndef step_{number:06}_{each}(value: float) -> int:\n{body}")
    return "".join(parts)


def touched(number: int) -> str:
    """The module after a second push: one more function."""
    more = f"\n\ndef again_{number:06}(value: float) -> float:\n    return value * {number}\n"
    return _module(number, changed=True) + more


def finds_one(request: Request) -> Reply:
    """One finding in each batch, so that the second pass has something to do, which agrees."""
    if request.asks_for_verdicts:
        return agreeable(request)
    shown = _DEFINED.search(request.user)
    if shown is None:
        return review()
    return review(
        {
            "path": shown[1],
            "quote": "        total -= 2\n    return total",
            "line": 1,
            "side": "RIGHT",
            "category": "correctness",
            "severity": "medium",
            "title": f"The total of part {shown[2]} may be too small",
            "body": "The subtraction is applied after the rate.",
            "confidence": 0.9,
            "suggestion": None,
        }
    )
