"""The pages of a pull request: conversation, checks and files, and code at a commit; and their
forms: comments, replies, buttons of the check run."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.git import diff, git
from bot.sandbox.pages import markup, view
from bot.sandbox.pages.diff_rows import rows
from bot.sandbox.people import People
from bot.sandbox.state import Pull, Repository, SandboxState
from templates import DIRECTORY, environment

if TYPE_CHECKING:
    from jinja2 import Environment

#: Comments hold HTML that others wrote: nothing of it runs, or loads from elsewhere.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_TYPES = {"sandbox.css": "text/css", "sandbox.js": "text/javascript"}
#: Larger files are cut: the page is for looking at a few lines.
_MAX_CODE_LINES = 2000


def routes(state: SandboxState, people: People, author: str) -> list[Route]:
    """All pages of the sandbox's repositories, whose forms `author` sends. What does not exist is
    answered with 404."""
    pages, forms = _Pages(state), _Forms(state, people, author)
    pull = "/{owner}/{repo}/pull/{number:int}"
    return [
        Route(f"{pull}/comment", forms.comment, methods=["POST"]),
        Route(f"{pull}/reply", forms.reply, methods=["POST"]),
        Route(f"{pull}/action", forms.action, methods=["POST"]),
        Route("/static/{name}", _static),
        Route(pull, pages.conversation),
        Route(f"{pull}/checks", pages.checks),
        Route(f"{pull}/files", pages.files),
        Route("/{owner}/{repo}/runs/{run:int}", pages.run),
        Route("/{owner}/{repo}/blob/{sha}/{path:path}", pages.code),
    ]


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _TYPES:
        raise HTTPException(404)
    text = (DIRECTORY / "sandbox" / name).read_text(encoding="utf-8")
    return Response(text, media_type=_TYPES[name])


class _Pages:
    def __init__(self, state: SandboxState) -> None:
        self._state = state

    async def conversation(self, request: Request) -> Response:
        repo, pull = _pull(self._state, request)
        return self._page("conversation", repo, pull, entries=view.conversation(repo, pull))

    async def checks(self, request: Request) -> Response:
        repo, pull = _pull(self._state, request)
        return self._page("checks", repo, pull)

    async def files(self, request: Request) -> Response:
        repo, pull = _pull(self._state, request)
        base = await git.merge_base(repo.git_dir, pull.base_sha, pull.head_sha) or pull.base_sha
        changed = await diff.changed_files(repo.git_dir, base, pull.head_sha)
        shown = [(file, rows(file.patch or "", file.path)) for file in changed]
        return self._page("files", repo, pull, files=shown, threads=view.threads_at(repo, pull))

    async def run(self, request: Request) -> Response:
        """A check run, on the first pull request that has its commit."""
        repo = _repository(self._state, request)
        run = repo.check_runs.get(request.path_params["run"])
        pulls = [pull for pull in repo.pulls.values() if run and run.head_sha in pull.heads]
        if not pulls:
            raise HTTPException(404)
        return self._page("checks", repo, pulls[0])

    async def code(self, request: Request) -> Response:
        """A file at a commit; `#L12` is a line."""
        sha, path = request.path_params["sha"], request.path_params["path"]
        repo = _repository(self._state, request)
        commit = await git.resolve(repo.git_dir, sha)
        found = await git.blob(repo.git_dir, commit, path) if commit else None
        if found is None:
            raise HTTPException(404)
        text = found[1].decode(errors="replace").rstrip("\n")
        lines = markup.code_lines(text, path=path)[:_MAX_CODE_LINES]
        return _html("code", self._state.notice, repo=repo, path=path, sha=sha, lines=lines)

    def _page(self, name: str, repo: Repository, pull: Pull, **values: Any) -> Response:
        runs = view.checks(repo, pull)
        return _html(
            name,
            self._state.notice,
            repo=repo,
            pull=pull,
            address=f"/{repo.full_name}/pull/{pull.number}",
            runs=runs,
            now=self._state.now(),
            # The page looks again by itself until the review, or an answer, is there.
            waiting=not runs
            or any(run.status != "completed" for run in runs)
            or view.awaits_answer(repo, pull, self._state.now()),
            **values,
        )


class _Forms:
    """What people send from the pages; each leads back to where they were."""

    def __init__(self, state: SandboxState, people: People, author: str) -> None:
        self._state = state
        self._people = people
        self._author = author

    async def comment(self, request: Request) -> Response:
        repo, pull = _pull(self._state, request)
        if body := (await self._form(request)).get("body", "").strip():
            item = await self._people.comment(repo, pull, body, self._author)
            return _back(repo, pull, f"#issuecomment-{item.id}")
        return _back(repo, pull, "#new-comment")

    async def reply(self, request: Request) -> Response:
        repo, pull = _pull(self._state, request)
        form = await self._form(request)
        number = form.get("to", "")
        first = repo.review_comments.get(int(number)) if number.isdecimal() else None
        if first is None or first.number != pull.number:
            raise HTTPException(404)
        if body := form.get("body", "").strip():
            await self._people.reply(repo, first, body, self._author)
        return _back(repo, pull, f"#discussion_r{first.id}")

    async def action(self, request: Request) -> Response:
        """A button of the check run."""
        repo, pull = _pull(self._state, request)
        form = await self._form(request)
        run = next((each for each in repo.check_runs.values() if str(each.id) == form["run"]), None)
        if run is None:
            raise HTTPException(404)
        try:
            await self._people.request_action(repo, run, form["identifier"], self._author)
        except KeyError:
            raise HTTPException(404) from None
        return _back(repo, pull, "/checks")

    async def _form(self, request: Request) -> dict[str, str]:
        """The fields. Other sites' pages may not send any."""
        if request.headers.get("origin", self._state.url) != self._state.url:
            raise HTTPException(403)
        fields = parse_qs((await request.body()).decode(errors="replace"))
        return {name: values[0] for name, values in fields.items()}


def _back(repo: Repository, pull: Pull, where: str) -> Response:
    return RedirectResponse(f"/{repo.full_name}/pull/{pull.number}{where}", 303)


def _repository(state: SandboxState, request: Request) -> Repository:
    repo = state.repositories.get("{owner}/{repo}".format(**request.path_params))
    if repo is None:
        raise HTTPException(404)
    return repo


def _pull(state: SandboxState, request: Request) -> tuple[Repository, Pull]:
    repo = _repository(state, request)
    pull = repo.pulls.get(request.path_params["number"])
    if pull is None:
        raise HTTPException(404)
    return repo, pull


def _html(name: str, notice: str, **values: Any) -> Response:
    html = _environment().get_template(f"{name}.html").render(page=name, notice=notice, **values)
    return HTMLResponse(html.encode("utf-8", "replace"), headers=_HEADERS)


@functools.cache
def _environment() -> "Environment":
    filters: dict[str, Callable[..., Any]] = {"markdown": markup.markdown, "ago": markup.ago}
    return environment("sandbox", autoescape=True, filters=filters)
