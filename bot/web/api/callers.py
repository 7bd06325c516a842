"""Who calls the API, and that the call is their own wish."""

from starlette.requests import Request

from bot.web.api.problems import Problem
from bot.web.auth.sessions import is_form_token
from bot.web.auth.viewer import Viewer, viewer
from bot.web.security_headers import same_origin

#: Carries the session's form token for calls that change something.
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105


async def caller(request: Request) -> Viewer:
    """Raises Problem: 401 for strangers, 403 for a session's changing call that another site
    may have sent."""
    user = await viewer(request)
    if user is None:
        raise Problem(
            401,
            "Send an admin token as `Authorization: Bearer …`, or sign in at the dashboard.",
            WWW_Authenticate='Bearer realm="glossator"',
        )
    if user.session is not None and request.method not in ("GET", "HEAD"):
        token = request.headers.get(TOKEN_HEADER, "")
        is_valid = is_form_token(request.app.state.keys, user.session.id, token)
        if not is_valid or not same_origin(request):
            raise Problem(403, f"A session's call needs the page's token in {TOKEN_HEADER}.")
    return user
