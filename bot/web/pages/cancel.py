"""The Cancel button of a review, on the dashboard and on the review's own page."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.domain.model import Review, State
from bot.policy.start import cancelled_by
from bot.web.auth.viewer import Viewer, viewer
from bot.web.pages.forms import form_rejected, verified_form
from bot.web.pages.templates import not_found


def may_cancel(user: Viewer, review: Review, state: State) -> bool:
    """Whether they are shown the button. It is a form, and only a session can send one."""
    return user.session is not None and not state.finished and user.may_write(review.repository.id)


async def cancel_button(request: Request) -> Response:
    """POST /reviews/{id}/cancel; back to where the button was pressed."""
    user, store = await viewer(request), request.app.state.store
    review = await store.reviews.review(request.path_params["review_id"])
    if user is None or review is None or not user.may_write(review.repository.id):
        return not_found()
    form = await verified_form(request, user)
    if not form:
        return form_rejected()
    await store.reviews.cancel(review.id, cancelled_by(user.login))
    return RedirectResponse(_back(review, form), 303)


def _back(review: Review, form: Mapping[str, str]) -> str:
    """The form names a page of ours and never an address, which others could choose."""
    if form.get("page") != "review":
        return "/"
    # With the link by which it was opened: that is good for longer than the session.
    key = form.get("key")
    return f"/reviews/{review.id}" + (f"?{urlencode({'key': key})}" if key else "")
