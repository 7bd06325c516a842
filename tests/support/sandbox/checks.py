"""Check runs of others, as GitHub Actions makes them."""

from bot.sandbox.state import CheckRun

#: GitHub's App of GitHub Actions.
ACTIONS_APP = 15368


def failed_check(
    id: int,
    name: str,
    *notes: tuple[int, str, str],
    conclusion: str = "failure",
    path: str = "app.py",
    summary: str = "",
) -> CheckRun:
    """A completed check run without a commit yet; notes are lines with level and message."""
    return CheckRun(
        id=id,
        name=name,
        head_sha="",
        suite_id=1,
        app_id=ACTIONS_APP,
        status="completed",
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
