"""`python -m tests.bench`: measure, print a table, write JSON. See docs/performance.md."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import (
    check_run_delay,
    clone,
    day,
    feed,
    large_files,
    process_start,
    repository_size,
    resources,
    review,
    throughput,
    webhooks,
)
from tests.bench.results import Figure, as_json, as_markdown, machine

Measure = Callable[..., Awaitable[list[Figure]]]

PARTS: dict[str, Measure] = {
    "start": process_start.measure,
    "accept": webhooks.measure,
    "sign": check_run_delay.measure,
    "clone": clone.measure,
    "repository": repository_size.measure,
    "review": review.measure,
    "throughput": throughput.measure,
    "day": day.measure,
    "feed": feed.measure,
    "size": resources.measure,
    "large": large_files.measure,
}


async def run(names: list[str], *, quick: bool) -> tuple[list[Figure], list[str]]:
    """The figures, and the parts that failed: they do not take what the others found along."""
    figures: list[Figure] = []
    failed: list[str] = []
    for name in names:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        directory = Path(tempfile.mkdtemp(prefix="glossator-bench-"))
        try:
            figures += await PARTS[name](directory, quick=quick)
        except Exception:
            traceback.print_exc()
            failed.append(name)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    return figures, failed


def main() -> int:
    """0, or 1 if a part could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, with smaller loads")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma-separated")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    chosen = parser.parse_args()
    names = chosen.only.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no part is called {unknown[0]!r}: there are {', '.join(PARTS)}")
    about = machine()
    figures, failed = asyncio.run(run(names, quick=chosen.quick))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps(as_json(figures, about), indent=2) + "\n")
    table = as_markdown(figures, about)
    chosen.output.with_suffix(".md").write_text(table)
    print(table)
    if failed:
        print(f"Not measured, as it failed: {', '.join(failed)}.", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
