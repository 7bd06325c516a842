"""Secrets in the change: reported, and shown to nobody: not Redis, LLM, log or GitHub."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.text.secrets import redact
from tests.flows.conversation import pushed
from tests.flows.environment import REPO, running
from tests.support.llm_server import LLMServer, Reply, Request, agreeable, review
from tests.support.runtime_growth import growth
from tests.support.secret_shapes import SHAPES, aws_key_id, private_key

KEY = private_key()
#: The middle of a key, which is known only by its beginning far above the hunk.
KEY_MIDDLE = KEY.split("\n")[6]
CHANGED_MIDDLE = KEY_MIDDLE[::-1]


@given(st.text(max_size=300), st.sampled_from([*SHAPES.values(), KEY]), st.text(max_size=300))
def test_lines_are_kept_and_a_second_time_changes_nothing(
    before: str, secret: str, after: str
) -> None:
    text = f"{before}\n{secret}\n{after}"
    shown = redact(text)
    assert shown.count("\n") == text.count("\n")
    assert redact(shown) == shown


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    "form",
    [
        *("{}", "token = '{}'", "https://x.org/?k={}&y", "({})", "a {}."),
        *('"first\\n{}\\n"', "q=%22{}%22", '"\\u0022{}\\u0022"'),
    ],
)
def test_every_shape_is_detected_anywhere(name: str, form: str) -> None:
    assert SHAPES[name] not in redact(form.format(SHAPES[name]))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("DB_PASSWORD=hunt3r!Xyz-Q9aaabb", "hunt3r!Xyz-Q9aaabb"),
        ("db:\n  password: Sup3rS3cret!aa1\n", "Sup3rS3cret!aa1"),
        (r"{\"password\": \"Sup3rS3cret!\"}", "Sup3rS3cret!"),
        ("postgres://u:p@ss4word@db/x", "ss4word"),
        (f"AccountKey={'Eby8vdM02xNO' * 7}wJ==;", "Eby8vdM02xNO"),
        ("do" + "p_v1_" + "a1b2c3d4" * 8, "a1b2c3d4"),
        ("hv" + "s.CAESIJ" + "aB3x" * 20, "aB3x"),
        ("https://discord.com/api/webhooks/" + "1234567890" * 2 + "/" + "aBc_9" * 12, "aBc_9"),
    ],
    ids=lambda text: text[:14],
)
def test_secrets_without_quotes_and_in_escapes_are_known(text: str, secret: str) -> None:
    assert secret not in redact(text)


@pytest.mark.parametrize("between", ["\n * ", "<br>", "\n// ", '\\n" +\n  "', "\r\n\t"])
def test_a_private_key_is_known_however_its_lines_are_joined(between: str) -> None:
    shown = redact(KEY.replace("\n", between))
    assert not any(line in shown for line in KEY.split("\n")[1:-1])


@pytest.mark.parametrize(
    "code",
    [
        "token = next(tokens)",
        "    key: SomeType2",
        "password: str",
        "api_token = read_token2",
        "KEY = a1*b2",
        'f"{key}={value1}"',
    ],
)
def test_code_that_names_secrets_stays(code: str) -> None:
    assert redact(code) == code


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    "hostile",
    [
        "eyJ-" * 60_000,
        "-----BEGIN PRIVATE KEY-----" * 8_000,
        "aws" * 80_000,
        "password=" * 25_000,
        "a://" * 60_000,
        "A" * 250_000,
        ("x" * 60 + "\n") * 4_000,
        " " * 250_000,
        "<" * 250_000,
        "token='" + "<" * 190 + "'\n" + "token='" * 30_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_text_made_to_be_slow_is_read_in_linear_time(hostile: str) -> None:
    assert growth(lambda size: redact(hostile[:size]), len(hostile)) < 9


def _source(extra: str) -> str:
    """A module whose unchanged lines hold secrets as well, for the context."""
    shapes = list(SHAPES.values())
    return (
        f'OLD = "{shapes[0]}"\n\n\ndef helper(x):\n    key = "{shapes[1]}"\n    return x, key\n\n\n'
        f"def call(y):\n    return helper(y)\n{extra}"
    )


async def test_no_secret_of_a_change_leaves_the_scan(
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    in_redis: Callable[[], str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    seen: list[str] = []

    def answer(request: Request) -> Reply:
        seen.append(in_redis())  # while batches are under way
        seen.append(json.dumps(request.body))
        if request.asks_for_verdicts:
            return agreeable(request)
        finding = {
            "path": "app.py",
            "quote": "    return helper(y), 2",
            "line": 10,
            "side": "new",
            "category": "correctness",
            "severity": "high",
            "title": "Wrong",
            "body": "It is wrong.",
            "confidence": 0.9,
            "suggestion": None,
            "rule": None,
        }
        return review(finding, **{"app.py": "Adds keys."})

    shapes = list(SHAPES.items())
    added = "".join(f'K{n} = "{secret}"\n' for n, (_, secret) in enumerate(shapes))
    weak = "hunter2-is-weak"
    key_lines = KEY.replace(KEY_MIDDLE, CHANGED_MIDDLE)
    before = {"app.py": _source(""), "deploy.pem": KEY + "\n", "gone.py": f"T = '{shapes[2][1]}'\n"}
    after: dict[str, str | None] = {
        "app.py": _source(added + f'password = "{weak}"\n').replace(
            "helper(y)\n", "helper(y), 2\n"
        ),
        "deploy.pem": key_lines + "\n",
        "gone.py": "T = None\n",
    }
    async with LLMServer(default=answer) as llm:
        settings = {"openai_base_url": llm.url, "openai_api_key": "k-1", "llm_model": "small"}
        async with running(redis_url, redis, tmp_path, analyzers_disabled=(), **settings) as world:
            first = await world.sandbox.open_pull(
                REPO,
                *[
                    await world.sandbox.commit(REPO, {"a.txt": text}, message="x")
                    for text in ("1\n", "2\n")
                ],
                title="Issue",
                body=f"Use {shapes[3][1]}",
            )
            base = await world.sandbox.commit(REPO, before, message="Begin")
            head = await world.sandbox.commit(
                REPO, after, parent=base, message=f"Add {shapes[4][1]}"
            )
            await world.sandbox.open_pull(
                REPO,
                base,
                head,
                title=f"Use {shapes[5][1]}",
                body=f"It is {shapes[6][1]}.\n\nFixes #{first}",
            )
            await world.settle()
            posted = [
                *(review.body for review in world.reviews),
                *(comment.body for comment in world.inline_comments),
                *(repr(run) for run in world.check_runs),
            ]
            seen += [*posted, in_redis(), *capfd.readouterr()]
            assert any("helper(y), 2" in text for text in seen), "the model was asked"
            assert any("[redacted:" in text for text in seen)
            assert any("Wrong" in text for text in posted), "anchors still hold"
            assert any("in the code" in text for text in posted), "secrets are reported"
            for name, secret in [
                *shapes,
                ("weak", weak),
                ("key", CHANGED_MIDDLE),
                ("pem", KEY_MIDDLE),
            ]:
                where = [text for text in seen if secret in text]
                assert not where, f"{name} is shown: {_around(where[0], secret)}"


def _around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(0, at - 200) : at + 100]


async def test_a_secret_that_is_gone_from_a_file_that_nobody_reads_is_resolved(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    """A lock file is searched for secrets and not read; its thread is over with the secret, and
    not before."""
    first, second = SHAPES["npm"], aws_key_id("lock")
    lock = '{"name": "shop", "version": "%s"}\n'
    async with running(redis_url, redis, tmp_path, analyzers_disabled=()) as world:
        number = await world.open_pull(
            {"package-lock.json": lock % 1, "yarn.lock": "# 1\n"},
            {"package-lock.json": lock % first, "yarn.lock": f"# {second}\n"},
        )
        await world.settle()
        threads = {one.path: one.thread_id for one in world.inline_comments}
        assert set(threads) == {"package-lock.json", "yarn.lock"}
        await pushed(world, number, {"package-lock.json": lock % 2, "yarn.lock": f"# {second}\n\n"})
        await world.settle()
        over = {
            path: any(one.minimized for one in world.inline_comments if one.thread_id == thread)
            for path, thread in threads.items()
        }
        assert over == {"package-lock.json": True, "yarn.lock": False}
