import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.model import Repository
from bot.webhooks.translate import (
    CheckRunAction,
    CheckRunRerequested,
    CheckSuiteRerequested,
    CommentCreated,
    Event,
    Ignored,
    InstallationAction,
    InstallationChanged,
    MalformedPayload,
    MergeGroupRequested,
    Ping,
    PullRequestAction,
    PullRequestChanged,
    from_json,
    to_json,
    translate,
)
from tests.support.deliveries import PAYLOADS, payload
from tests.support.tally import Tally

NAMES = sorted(path.stem for path in PAYLOADS.glob("*.json"))
HELLO = Repository(12345678, 186853002, "octo-org/hello-world")
HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
OURS = "01HY3Z8W4Q6X5T2N9B7C1D0EFG"


def meaning(event: str, body: object) -> Event | Ignored:
    return translate(event, json.dumps(body).encode())


def translated(name: str, body: object = None) -> Event | Ignored:
    return meaning(name.partition("-")[0], payload(name) if body is None else body)


OPENED = PullRequestChanged(
    repository=HELLO,
    number=2,
    action=PullRequestAction.OPENED,
    head_sha=HEAD,
    base_ref="main",
    draft=False,
    author="Codertocat",
    author_is_bot=False,
    labels=(),
    title="Update the README with new information.",
    sender="Codertocat",
)
EVENTS: dict[str, Event] = {
    "pull_request-opened": OPENED,
    "pull_request-synchronize": replace(
        OPENED,
        action=PullRequestAction.PUSHED,
        head_sha="0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c",
    ),
    "pull_request-edited-base": replace(OPENED, action=PullRequestAction.RETARGETED),
    "pull_request-labeled": replace(
        OPENED, action=PullRequestAction.LABELED, labels=("no-review",), label="no-review"
    ),
    "pull_request-opened-by-bot": replace(
        OPENED,
        draft=True,
        author="dependabot[bot]",
        author_is_bot=True,
        sender="dependabot[bot]",
    ),
    "issue_comment-created": CommentCreated(
        repository=HELLO,
        number=2,
        comment_id=492700400,
        author="octocat",
        body="/review security\r\n\r\nThank you!",
    ),
    "pull_request_review_comment-created": CommentCreated(
        repository=HELLO,
        number=2,
        comment_id=284312631,
        author="octocat",
        body="/review dismiss we want it so",
        in_thread=284312630,
        in_reply_to=284312630,
        path="README.md",
        line=1,
    ),
    "check_run-rerequested": CheckRunRerequested(
        repository=HELLO,
        check_run_id=128620228,
        external_id=OURS,
        head_sha=HEAD,
        sender="Codertocat",
    ),
    "check_run-requested_action": CheckRunAction(
        repository=HELLO,
        check_run_id=128620228,
        external_id=OURS,
        identifier="cancel",
        head_sha=HEAD,
        sender="Codertocat",
    ),
    "check_suite-rerequested": CheckSuiteRerequested(
        repository=HELLO, head_sha=HEAD, sender="Codertocat"
    ),
    "merge_group-checks_requested": MergeGroupRequested(
        repository=HELLO, head_sha=HEAD, base_ref="main", number=2
    ),
    "pull_request_review-submitted": CommentCreated(
        repository=HELLO,
        number=2,
        comment_id=237895671,
        author="octocat",
        body="Fine.\n\n/review",
        in_review=True,
    ),
    "installation-created": InstallationChanged(
        action=InstallationAction.CREATED,
        installation_id=12345678,
        account="octo-org",
        repositories=(HELLO,),
    ),
    "installation_repositories-added": InstallationChanged(
        action=InstallationAction.REPOSITORIES_ADDED,
        installation_id=12345678,
        account="octo-org",
        repositories=(HELLO,),
    ),
    "installation_repositories-removed": InstallationChanged(
        action=InstallationAction.REPOSITORIES_REMOVED,
        installation_id=12345678,
        account="octo-org",
        repositories=(HELLO,),
    ),
    "ping": Ping(),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_delivery_becomes_our_own_event(name: str) -> None:
    assert translated(name) == EVENTS[name]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_survives_the_queue(name: str) -> None:
    event = EVENTS[name]
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_every_recorded_delivery_is_tested() -> None:
    assert set(NAMES) == set(EVENTS) | {"issue_comment-created-on-issue"}


@pytest.mark.parametrize(
    ("action", "expected_action"),
    [
        ("reopened", PullRequestAction.REOPENED),
        ("ready_for_review", PullRequestAction.READY),
        ("closed", PullRequestAction.CLOSED),
        ("unlabeled", PullRequestAction.UNLABELED),
    ],
)
def test_the_other_pull_request_actions_differ_in_their_name_only(
    action: str, expected_action: PullRequestAction
) -> None:
    event = meaning("pull_request", payload("pull_request-opened") | {"action": action})
    assert isinstance(event, PullRequestChanged)
    assert event.action is expected_action


def test_an_edited_title_comes_with_the_one_it_has_replaced() -> None:
    body = payload("pull_request-edited-base")
    event = meaning("pull_request", body | {"changes": {"title": {"from": "[no review] Old"}}})
    assert isinstance(event, PullRequestChanged)
    assert (event.action, event.old_title) == (PullRequestAction.RETITLED, "[no review] Old")
    both = body["changes"] | {"title": {"from": "Old"}}
    event = meaning("pull_request", body | {"changes": both})
    assert isinstance(event, PullRequestChanged)
    assert event.action is PullRequestAction.RETARGETED


@pytest.mark.parametrize(
    ("action", "expected_action"),
    [
        ("deleted", InstallationAction.DELETED),
        ("suspend", InstallationAction.SUSPENDED),
        ("unsuspend", InstallationAction.UNSUSPENDED),
        ("new_permissions_accepted", InstallationAction.PERMISSIONS_ACCEPTED),
    ],
)
def test_an_installation_need_not_name_its_repositories(
    action: str, expected_action: InstallationAction
) -> None:
    body = payload("installation-created") | {"action": action}
    del body["repositories"]
    event = meaning("installation", body)
    assert event == InstallationChanged(
        action=expected_action, installation_id=12345678, account="octo-org"
    )


def test_a_comment_that_starts_a_thread_is_its_own_thread() -> None:
    body = payload("pull_request_review_comment-created")
    del body["comment"]["in_reply_to_id"]
    body["comment"]["line"] = None  # the line is gone from the diff
    event = translated("pull_request_review_comment-created", body)
    assert isinstance(event, CommentCreated)
    assert (event.in_thread, event.in_reply_to, event.line) == (284312631, None, 1)


def test_a_deleted_author_is_shown_as_github_shows_it() -> None:
    body = payload("pull_request-opened")
    body["pull_request"]["user"] = None
    event = translated("pull_request-opened", body)
    assert isinstance(event, PullRequestChanged)
    assert event.author == "ghost"
    assert not event.author_is_bot


@pytest.mark.parametrize(
    ("event", "body", "reason"),
    [
        ("star", {}, "the event `star` is not handled"),
        (
            "pull_request",
            {"action": "assigned"},
            "the action `pull_request.assigned` is not handled",
        ),
        (
            "pull_request",
            payload("pull_request-edited-base") | {"changes": {"body": {"from": "Old"}}},
            "the edit changes neither the base branch nor the title",
        ),
        ("check_run", {"action": "created"}, "the action `check_run.created` is not handled"),
        (
            "check_suite",
            {"action": "requested"},
            "the action `check_suite.requested` is not handled",
        ),
        (
            "issue_comment",
            {"action": "edited"},
            "the action `issue_comment.edited` is not handled",
        ),
        (
            "pull_request_review_comment",
            {"action": "edited"},
            "the action `pull_request_review_comment.edited` is not handled",
        ),
        (
            "installation",
            {"action": "x"},
            "the action `installation.x` is not handled",
        ),
        (
            "installation_repositories",
            {"action": "x"},
            "the action `installation_repositories.x` is not handled",
        ),
        (
            "issue_comment",
            payload("issue_comment-created-on-issue"),
            "the comment is on an issue, not on a pull request",
        ),
    ],
)
def test_what_means_nothing_to_us_is_ignored_with_the_reason(
    event: str, body: dict[str, Any], reason: str
) -> None:
    assert meaning(event, body) == Ignored(reason)


@pytest.mark.parametrize("name", ["issue_comment-created", "pull_request_review_comment-created"])
@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ({"login": "glossator[bot]", "type": "Bot"}, "the comment is by the bot `glossator[bot]`"),
        ({"login": "glossator[bot]"}, "the comment is by the bot `glossator[bot]`"),
        (None, "the author's account no longer exists"),
    ],
)
def test_comments_by_bots_and_so_our_own_are_ignored(
    name: str, user: dict[str, str] | None, reason: str
) -> None:
    body = payload(name)
    body["comment"]["user"] = user
    assert translated(name, body) == Ignored(reason)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"pull_request": None}, "`pull_request`"),
        ({"installation": {"id": "1"}}, "`installation.id`"),
        ({"installation": {"id": True}}, "`installation.id`"),
        ({"repository": {"id": 1, "full_name": "a/.."}}, "`repository.full_name`"),
        ({"repository": {"id": 1, "full_name": "a b/c"}}, "`repository.full_name`"),
        ({"sender": []}, "`sender`"),
        ({"action": 5}, "`action`"),
    ],
)
def test_a_wrong_type_is_reported_with_its_place(change: dict[str, Any], where: str) -> None:
    body = payload("pull_request-opened") | change
    with pytest.raises(MalformedPayload) as caught:
        meaning("pull_request", body)
    assert str(caught.value).startswith(f"The `pull_request` payload is malformed at {where}: ")


def test_a_repository_webhook_without_an_installation_is_reported() -> None:
    body = payload("pull_request-opened")
    del body["installation"]
    with pytest.raises(MalformedPayload, match="`installation`.*GitHub App's own webhook"):
        meaning("pull_request", body)


@pytest.mark.parametrize("body", [None, [], "x", 1])
def test_a_payload_that_is_no_object_is_malformed(body: object) -> None:
    with pytest.raises(MalformedPayload, match="it is not a JSON object"):
        meaning("pull_request", body)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        return found + [one for key in value for one in places(value[key], (*path, key))]
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=JSON)
def test_any_value_in_any_place_is_an_event_ignored_or_malformed(
    tally: Tally, data: st.DataObject, value: object
) -> None:
    tally.at_least(event=0.2, malformed=0.01)
    name = data.draw(st.sampled_from(NAMES))
    body = payload(name)
    *above, last = data.draw(st.sampled_from(places(body)))
    at = body
    for key in above:
        at = at[key]
    at[last] = value
    try:
        outcome = translated(name, body)
    except MalformedPayload:
        tally.add(malformed=True)
        return
    ignored = isinstance(outcome, Ignored)
    tally.add(event=not ignored, ignored=ignored)
    if not isinstance(outcome, Ignored):
        assert from_json(json.loads(json.dumps(to_json(outcome)))) == outcome


@given(name=st.sampled_from(sorted({name.partition("-")[0] for name in NAMES})), body=JSON)
def test_any_json_at_all_is_an_event_ignored_or_malformed(name: str, body: object) -> None:
    try:
        outcome = meaning(name, body)
    except MalformedPayload:
        return
    assert isinstance(outcome, Ping | Ignored)
