"""The `/review` grammar against any text: what holds for every comment."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.commands import MAX_COMMANDS, BadCommand, Command, Verb, parse
from tests.support.tally import Tally, tallied

#: Pieces that Markdown gives a meaning, so that random bodies meet its corners.
PIECES = st.sampled_from(
    ["/review", "/review full", "/review ask why?", "\n", "\r", "\r\n", "\n\n", " ", "    ", "\t"]
    + ["> ", "- ", "1. ", "# ", "```", "~~~", "`", "``", "<!--", "-->", "<b>", "</b>", "\\", "---"]
    + ["=", "[a]: ", "](", "*", "_", "|", "\x00", "\x0b", "\u2028", "\ufeff", "<details>", "&#10;"]
)
BODIES = st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join)
COMMANDS = st.sampled_from(
    ["/review", "/Review full", "/review security", "/review cancel", "/review pause"]
    + ["/review resume", "/review help", "/review ask why `x`?", "/review dismiss it is meant so"]
    + ["/review forget 0123456789abcdef"]
    + ["/review ask", "/review helb"]
)
#: Prose says no command and opens nothing that Markdown would close later.
PROSE = st.lists(
    st.from_regex(r"[A-Za-z][A-Za-z ,.?]{0,30}", fullmatch=True), min_size=1, max_size=3
).map("\n".join)


def lines(body: str) -> list[str]:
    return re.split(r"\r\n?|\n", body)


@tallied
@given(body=BODIES | st.builds("{}\n{}".format, COMMANDS, BODIES))
def test_any_body_gives_a_few_commands_and_never_raises(tally: Tally, body: str) -> None:
    tally.at_least(found=0.15)
    found = parse(body)
    tally.add(found=bool(found))
    assert len(found) <= MAX_COMMANDS
    for one in found:
        assert isinstance(one, Command | BadCommand)


@given(BODIES)
def test_every_command_has_its_line(body: str) -> None:
    starts = [line for line in lines(body) if line.strip().lower().startswith("/review")]
    assert len(parse(body)) <= len(starts)


@tallied
@given(body=BODIES, words=st.text(max_size=20))
def test_an_ask_always_has_a_question_on_one_line(tally: Tally, body: str, words: str) -> None:
    tally.at_least(asks=0.2)
    found = parse(f"/review ask {words}\n{body}")
    tally.add(asks=any(isinstance(one, Command) and one.verb is Verb.ASK for one in found))
    for one in found:
        if isinstance(one, Command) and one.verb is Verb.ASK:
            assert one.text.strip() == one.text != ""


@given(BODIES)
def test_a_quoted_body_is_ignored(body: str) -> None:
    assert parse("\n".join(f"> {line}" for line in lines(body))) == ()


@given(BODIES, st.sampled_from("`~"))
def test_a_fenced_body_is_ignored(body: str, mark: str) -> None:
    longest = max((len(run) for run in re.findall(f"{mark}+", body)), default=0)
    fence = mark * max(3, longest + 1)
    assert parse(f"{fence}\n{body}\n{fence}") == ()


@given(BODIES)
def test_an_indented_body_is_ignored(body: str) -> None:
    # A line that Markdown takes for blank would end the code and start nothing else.
    assert parse("\n".join(f"    {line}" for line in lines(body))) == ()


@given(BODIES)
def test_a_body_in_an_html_comment_is_ignored(body: str) -> None:
    assert parse("<!--\n" + body.replace("-->", "") + "\n-->") == ()


@given(st.lists(COMMANDS, min_size=1, max_size=5), PROSE, PROSE, st.sampled_from(["\n", "\r\n"]))
def test_surrounding_text_does_not_change_the_commands(
    commands: list[str], before: str, after: str, end: str
) -> None:
    parsed_separately = [parse(one)[0] for one in commands]
    body = "\n".join([before, *commands, after]).replace("\n", end)
    assert list(parse(body)) == parsed_separately


@tallied
@given(body=BODIES, command=COMMANDS)
def test_no_reply_repeats_more_than_a_word(tally: Tally, body: str, command: str) -> None:
    tally.at_least(bad=0.04)
    found = parse(f"{command}\n{body}")
    tally.add(bad=any(isinstance(one, BadCommand) for one in found))
    for one in found:
        if isinstance(one, BadCommand):
            assert re.fullmatch(r"[A-Za-z0-9 `/?._-]+", one.reply)
