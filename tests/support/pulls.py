"""A pull request as GitHub tells of it, for tests that want one."""

from bot.domain.model import PullRequest

#: Of somebody who may write, from a branch of the repository itself; tests replace what they
#: are about.
PULL = PullRequest(
    number=2,
    title="Greet the world",
    body="",
    author="octocat",
    author_is_bot=False,
    draft=False,
    open=True,
    base_ref="main",
    base_sha="b" * 40,
    head_ref="greeting",
    head_sha="a" * 40,
    head_repository="octo-org/hello-world",
    labels=("bug",),
    url="https://github.com/octo-org/hello-world/pull/2",
    changed_files=3,
    additions=10,
    deletions=2,
)
