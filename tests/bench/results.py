"""What a benchmark tells: figures, some with a mark to reach, and how they are shown."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `at_least` or `at_most` is its mark, where it has one."""

    part: str
    what: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the mark was reached; None without one."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    @property
    def mark(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> dict[str, Any]:
    """What the figures were measured on, without its name."""
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": cpu[0] if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def as_json(figures: Iterable[Figure], about: dict[str, Any]) -> dict[str, Any]:
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    return {"machine": about, "figures": rows}


def as_markdown(figures: Iterable[Figure], about: dict[str, Any]) -> str:
    lines = [
        f"{about['processor']}, {about['cores']} cores, {about['system']}, "
        f"Python {about['python']}; load {about['load_before']} before.",
        "",
        "| part | what | value | mark | |",
        "| --- | --- | ---: | --- | --- |",
    ]
    words = {True: "reached", False: "missed", None: ""}
    lines += [
        f"| {f.part} | {f.what} | {_number(f.value)} {f.unit} | {f.mark} | {words[f.met]} |"
        for f in figures
    ]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
