"""The figures of a run, as a table for people and as data for files (pure)."""

import json
from dataclasses import asdict

from pydantic import ValidationError

from bot.domain.model import Usage, decode, encode
from workers.offline.evaluation.score import Counts, Results


class BadResults(Exception):
    """Raised for a file that holds no results; the message says why."""


def as_json(results: Results) -> bytes:
    """A file of results, which `read_results` reads."""
    summary = results.summary
    data = json.loads(encode(results))
    counted = {
        **asdict(summary),
        "inline": _counts(summary.inline),
        "everything": _counts(summary.everything),
    }
    return (json.dumps({"summary": counted} | data, indent=1) + "\n").encode()


def read_results(data: bytes, name: str) -> Results:
    """What `as_json` wrote. Raises BadResults."""
    try:
        held = json.loads(data)
        held.pop("summary")
        return decode(Results, json.dumps(held))
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as exc:
        raise BadResults(
            f"{name} does not contain results of `glossator eval CASES --output FILE`, or they are "
            "from another version."
        ) from exc


def _counts(counts: Counts) -> dict[str, object]:
    shares = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return asdict(counts) | shares


def figures(results: Results) -> list[tuple[str, str]]:
    """Each figure of a run by its name."""
    summary = results.summary
    cases, inline, everything = summary.cases, summary.inline, summary.everything
    rows = [
        ("judged by", results.judge or "place"),
        ("cases", str(cases)),
        ("read completely", f"{summary.complete_cases} of {cases}"),
        ("precision, inline", percent(inline.precision)),
        ("recall, inline", percent(inline.recall)),
        ("F1, inline", percent(inline.f1)),
        ("critical and high defects inline", f"{summary.severe_inline} of {summary.severe}"),
        ("precision, inline and folded", percent(everything.precision)),
        ("recall, inline and folded", percent(everything.recall)),
        ("silent if there are no defects", f"{summary.silent_cases} of {summary.clean_cases}"),
        ("inline comments per review", _average(inline.comments, cases)),
        ("comments per review", _average(everything.comments, cases)),
        ("anchored", percent(summary.anchored_share)),
        ("suggestions that apply", percent(summary.suggestion_applies_share)),
        *_spent("", summary.usage, cases),
    ]
    return rows + (_spent("judge: ", summary.judging, cases) if summary.judging.calls else [])


def _spent(who: str, usage: Usage, cases: int) -> list[tuple[str, str]]:
    return [
        (f"{who}LLM calls", f"{usage.calls:,}; {_average(usage.calls, cases)} per review"),
        (
            f"{who}prompt tokens",
            f"{usage.prompt_tokens:,}; {_average(usage.prompt_tokens, cases)} per review",
        ),
        (f"{who}completion tokens", f"{usage.completion_tokens:,}"),
        (f"{who}cost", "unknown" if usage.cost is None else f"{usage.cost:.4f}"),
    ]


def as_table(results: Results) -> str:
    """The figures as a Markdown table."""
    lines = ["| figure | value |", "| --- | ---: |"]
    lines += [f"| {name} | {value} |" for name, value in figures(results)]
    lines += [
        "",
        "| case | defects | found | inline | comments | inline | right | wrong |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in results.cases:
        inline, everything = each.inline, each.everything
        counts = (
            *(everything.defects, everything.found, inline.found),
            *(everything.comments, inline.comments, everything.right, everything.wrong),
        )
        lines.append(f"| {each.name} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines) + "\n"


def _average(number: int, cases: int) -> str:
    return "-" if not cases else f"{number / cases:,.{0 if number >= 100 * cases else 2}f}"


def percent(part: float | None) -> str:
    """Of a share."""
    return "-" if part is None else f"{100 * part:.1f} %"
