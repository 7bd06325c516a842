import pytest

from bot.domain.commands import MAX_COMMANDS, BadCommand, Command, Verb, is_question, parse
from bot.domain.model import Category, Effort

REVIEW = Command(verb=Verb.REVIEW)
FULL = Command(verb=Verb.REVIEW, full=True)


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("/review", REVIEW),
        ("/review full", FULL),
        ("/review quick", Command(verb=Verb.REVIEW, effort=Effort.QUICK)),
        ("/review deep", Command(verb=Verb.REVIEW, full=True, effort=Effort.DEEP)),
        ("/review security", Command(verb=Verb.REVIEW, focus=Category.SECURITY)),
        ("/review correctness", Command(verb=Verb.REVIEW, focus=Category.CORRECTNESS)),
        ("/review performance", Command(verb=Verb.REVIEW, focus=Category.PERFORMANCE)),
        ("/review maintainability", Command(verb=Verb.REVIEW, focus=Category.MAINTAINABILITY)),
        ("/review quality", Command(verb=Verb.REVIEW, focus=Category.QUALITY)),
        ("/review cancel", Command(verb=Verb.CANCEL)),
        ("/review pause", Command(verb=Verb.PAUSE)),
        ("/review resume", Command(verb=Verb.RESUME)),
        ("/review help", Command(verb=Verb.HELP)),
        ("/review ask why `a < b`?", Command(verb=Verb.ASK, text="why `a < b`?")),
        (
            "/review ask is List<int> *really* &amp; \\* right?",
            Command(verb=Verb.ASK, text="is List<int> *really* &amp; \\* right?"),
        ),
        ("/review dismiss", Command(verb=Verb.DISMISS)),
        ("/review forget", Command(verb=Verb.FORGET)),
        ("/review forget `a1B2c3`", Command(verb=Verb.FORGET, text="`a1B2c3`")),
        ("/review dismiss We want it so", Command(verb=Verb.DISMISS, text="We want it so")),
        ("/Review FULL", FULL),
        ("  /review\t full  ", FULL),
        ("Please have a look.\n/review full\nThank you.", FULL),
        ("Thanks!\r\n\r\n/review full\r\n-- \r\nJohn", FULL),
        ("/review full\n---", FULL),
        ("- one thing\n/review full", FULL),
        ("[a]:\n/review full", FULL),
        ("/review full <!-- from my template -->", FULL),
        ("/review now", REVIEW),
        ("/review this, please!", REVIEW),
        ("/review again", FULL),
        ("/review everything", FULL),
        ("/review full now", FULL),
        ("/review security now", Command(verb=Verb.REVIEW, focus=Category.SECURITY)),
        (
            "/review security deep",
            Command(verb=Verb.REVIEW, full=True, focus=Category.SECURITY, effort=Effort.DEEP),
        ),
        ("/review cancel it", Command(verb=Verb.CANCEL)),
    ],
)
def test_a_line_of_text_is_a_command(body: str, command: Command) -> None:
    assert parse(body) == (command,)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "review",
        "please /review",
        "/reviews",
        "/review-bot is nice",
        "/re view",
        "> /review",
        "> quoted\n/review",
        "    /review",
        "```\n/review\n```",
        "~~~\n/review",
        "- ```\n  /review\n  ```",
        "`/review`",
        "text `code\n/review\n` more",
        "<!-- /review -->",
        "<!--\n\n/review\n\n-->",
        "text <!--\n/review\n-->",
        "<!-- a -->/review",
        "text\n<b>/review</b>",
        "<details>\n/review\n</details>",
        "\\/review",
        "- /review",
        "1. /review",
        "# /review",
        "**/review**",
    ],
)
def test_all_else_is_none(body: str) -> None:
    assert parse(body) == ()


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        (
            "/review secruity",
            "`/review secruity` is not a command. Did you mean `/review security`?"
            " `/review help` lists all commands.",
        ),
        (
            "/review xyzzy",
            "`/review xyzzy` is not a command. `/review help` lists all commands.",
        ),
        (
            "/review `@org/team`",
            "That is not a command. `/review help` lists all commands.",
        ),
        (
            "/review full speed",
            "`/review speed` is not a command. `/review help` lists all commands.",
        ),
        (
            "/review cancel full",
            "These words cannot be combined in one command. `/review help` lists all commands.",
        ),
        (
            "/review security performance",
            "These words cannot be combined in one command. `/review help` lists all commands.",
        ),
        (
            "/review quick deep",
            "These words cannot be combined in one command. `/review help` lists all commands.",
        ),
        (
            "/review ask",
            "`/review ask` needs a question on the same line. `/review help` lists all commands.",
        ),
    ],
)
def test_a_wrong_command_gets_a_short_reply(body: str, reply: str) -> None:
    assert parse(body) == (BadCommand(reply),)


def test_each_line_is_a_command_of_its_own() -> None:
    assert parse("/review cancel\n/review full\n\ntext\n\n/review nope") == (
        Command(verb=Verb.CANCEL),
        FULL,
        BadCommand("`/review nope` is not a command. `/review help` lists all commands."),
    )


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("@glossator why is `x` locked?", Command(verb=Verb.ASK, text="why is `x` locked?")),
        ("Hm, @Glossator[bot], why?\nAnd how?", Command(verb=Verb.ASK, text="Hm, why? And how?")),
        ("@glossator please review", REVIEW),
        ("@glossator please", Command(verb=Verb.ASK, text="please")),
        ("@glossator full", FULL),
        ("@glossator: security, please!", Command(verb=Verb.REVIEW, focus=Category.SECURITY)),
        ("@glossator cancel", Command(verb=Verb.CANCEL)),
        ("@glossator", Command(verb=Verb.HELP)),
        ("@glossator dismiss", Command(verb=Verb.DISMISS)),
        ("/review full\n@glossator thanks", FULL),
    ],
)
def test_a_mention_is_a_command_or_a_question(body: str, command: Command) -> None:
    assert parse(body, "glossator") == (command,)


@pytest.mark.parametrize(
    "body",
    ["`@glossator why?`", "> @glossator why?", "me@glossator.example", "@glossator-fans hello"]
    + ["@glossatory hello", "see @org/glossator", "<!-- @glossator why? -->"],
)
def test_what_only_looks_like_a_mention_is_none(body: str) -> None:
    assert parse(body, "glossator") == ()


@pytest.mark.parametrize(
    ("body", "question"),
    [
        ("Why is that?", True),
        ("Is that so? I doubt it.", True),
        ("why", True),
        ("Please explain", True),
        ("@glossator is that so?", True),
        ("これは何？", True),
        ("Thanks!", False),
        ("Fixed in a1b2c3d.", False),
        ("We know; later.", False),
        ("@alice can you look?", False),
        ("> Why?\n\nI see.", False),
        ("`a ? b : c` is shorter", False),
        ("", False),
    ],
)
def test_a_question_to_us_is_told_from_small_talk(body: str, question: bool) -> None:
    assert is_question(body, "glossator") is question


def test_a_flood_of_commands_is_cut_off() -> None:
    assert parse("/review\n" * 1000) == (REVIEW,) * MAX_COMMANDS


def test_another_prefix_takes_the_place_of_review() -> None:
    assert parse("/glossator pause", prefix="/glossator") == (Command(verb=Verb.PAUSE),)
    assert parse("/review pause", prefix="/glossator") == ()
    assert parse("/glossators pause", prefix="/glossator") == ()
    assert parse("> /glossator pause", prefix="/glossator") == ()
