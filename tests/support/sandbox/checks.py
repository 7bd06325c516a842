"""Check runs of others, as GitHub Actions makes them."""

from bot.sandbox.api.checks import ACTIONS_APP
from bot.sandbox.state import CheckRun


def failed_check(
    id: int,
    name: str,
    *notes: tuple[int, str, str],
    conclusion: str = "failure",
    path: str = "app.py",
    summary: str = "",
    log: bytes | None = None,
) -> CheckRun:
    """A completed check run without a commit yet; notes are lines with level and message.
    A `log` is that of its job."""
    return CheckRun(
        id=id,
        name=name,
        head_sha="",
        suite_id=1,
        app_id=ACTIONS_APP,
        status="completed",
        details_url=f"https://github.com/octo/hello/actions/runs/9/job/{id}",
        log=log,
        conclusion=conclusion,
        output={"title": f"{name} says no", "summary": summary, "text": None},
        annotations=[
            {
                "path": path,
                "start_line": line,
                "end_line": line,
                "annotation_level": level,
                "message": message,
            }
            for line, level, message in notes
        ],
    )
