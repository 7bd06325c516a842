"""Small charts as inline SVG (pure). Colours come from the style sheet."""

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, BASE = 400, 110, 90


def bars(values: Sequence[tuple[str, float]], title: str, labels: Sequence[str]) -> Markup:
    """A bar for each (label, value); `labels` is each value as people read it."""
    largest = max((value for _, value in values), default=0) or 1
    step = WIDTH / max(1, len(values))
    marks = []
    for i, ((label, value), text) in enumerate(zip(values, labels, strict=True)):
        height = max(1.0 if value else 0.0, value / largest * (BASE - 14))
        marks.append(
            f'<rect class="bar" x="{i * step + step * 0.12:.1f}" y="{BASE - height:.1f}" '
            f'width="{step * 0.76:.1f}" height="{height:.1f}" rx="2">'
            f"<title>{escape(label)}: {escape(text)}</title></rect>"
        )
    highest = max(zip(values, labels, strict=True), key=lambda pair: pair[0][1], default=None)
    top = escape(highest[1]) if highest else ""
    return _chart(title, "".join(marks), values, f'<text x="0" y="10">{top}</text>')


def line(values: Sequence[tuple[str, float]], title: str) -> Markup:
    """Scores from 0 to 100, oldest first."""
    step = WIDTH / max(1, len(values) - 1)
    points = [
        (min(WIDTH - 3, max(3, i * step)), BASE - value / 100 * (BASE - 8))
        for i, (_, value) in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3">'
        f"<title>{escape(label)}: {value:g}</title></circle>"
        for (x, y), (label, value) in zip(points, values, strict=True)
    )
    return _chart(title, f'<polyline class="line" points="{path}"/>{dots}', values, "")


def _chart(title: str, marks: str, values: Sequence[tuple[str, float]], top: str) -> Markup:
    first, last = (escape(values[0][0]), escape(values[-1][0])) if values else ("", "")
    return Markup(  # noqa: S704  # all text in it was escaped
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">'
        f'<line class="axis" x1="0" y1="{BASE}" x2="{WIDTH}" y2="{BASE}"/>{marks}{top}'
        f'<text x="0" y="{HEIGHT - 4}">{first}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 4}" text-anchor="end">{last}</text></svg>'
    )
