"""Look-ups in real repositories: what is found, what is cut, and what is refused in words."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.diff import Side
from bot.domain.look_ups import LookUp, LookUpResult, Operation
from bot.domain.model import PullRequestContext, Scan
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from tests.support.secret_shapes import SHAPES
from workers.repository.code_source import ClonedSource, code_source
from workers.repository.look_ups import MAX_LOOK_UPS
from workers.scan.repository.clone import Source

Files = Mapping[str | bytes, str | bytes]
Open = Callable[..., AbstractAsyncContextManager[ClonedSource]]

BEFORE: Files = {
    "app/shop.py": "def total(cart):\n    return 0\n",
    "app/gone.py": "OLD = 1\n",
}
AFTER: Files = {
    "app/shop.py": "from app.price import price\n\n\ndef total(cart):\n    return price(cart)\n",
    "app/price.py": "RATE = {\n    'a': 1,\n}\n\n\ndef price(cart):\n    return RATE\n",
    "app/web.py": "from app.shop import total\n\n\nclass View:\n    def get(self):\n"
    "        return total(self.cart)\n",
    "tests/test_shop.py": "from app.shop import total\n\n\ndef test_total():\n"
    "    assert total([]) == 0\n",
    "web/cart.ts": "export interface Cart { total: number }\n"
    "export const total = (c: Cart) => {\n  return c.total;\n};\n",
    "docs/guide.md": "Call total to get it.\n",
    "private/key.py": "total = 'hidden'\n",
    "logo.png": b"\x89PNG\0\0",
    "data.bin": b"total\0\0",
    "long.txt": "".join(f"line {n}\n" for n in range(1, 1001)),
}


@asynccontextmanager
async def _opened(
    source: Source, settings: Settings, config: RepoConfig, scan: Scan
) -> AsyncIterator[ClonedSource]:
    async with code_source(source, settings, config, scan, protocols=("file",)) as opened:
        yield opened


def scan_of(*paths: str) -> Scan:
    return Scan(
        merge_base="",
        pr_context=PullRequestContext(title="", body=""),
        files=(),
        skipped=(),
        evidence=(),
        reviewed_paths=paths,
    )


@pytest.fixture
async def shop(repository: Repository, settings: Settings) -> AsyncIterator[ClonedSource]:
    config = RepoConfig(paths_exclude=("private/**",))
    source = repository.change(BEFORE, AFTER)
    async with _opened(source, settings, config, scan_of("app/shop.py")) as opened:
        yield opened


async def one(source: ClonedSource, operation: str, **fields: object) -> LookUpResult:
    wish = LookUp(operation=Operation(operation), **fields)  # type: ignore[arg-type]
    (result,) = await source.answer([wish])
    assert result.look_up == wish
    return result


async def test_reads_lines_of_both_sides(shop: ClonedSource) -> None:
    head = await one(shop, "read", path="app/shop.py")
    assert head.text == (
        "app/shop.py after the change, lines 1 to 5 of 5\n"
        "1 |from app.price import price\n2 |\n3 |\n"
        "4 |def total(cart):\n5 |    return price(cart)"
    )
    assert [(p.path, p.start_line, p.end_line, p.side) for p in head.places] == [
        ("app/shop.py", 1, 5, Side.RIGHT)
    ]
    base = await one(shop, "read", path="./app/shop.py", start=2, end=9, side=Side.LEFT)
    assert base.text.splitlines()[1:] == ["2 |    return 0"]
    assert "before the change, lines 2 to 2 of 2" in base.text
    assert base.places[0].side is Side.LEFT


async def test_reads_at_most_two_hundred_lines_and_says_so(shop: ClonedSource) -> None:
    whole = await one(shop, "read", path="long.txt")
    assert (whole.places[0].start_line, whole.places[0].end_line) == (1, 200)
    assert whole.truncated
    wide = await one(shop, "read", path="long.txt", start=500, end=10**9)
    assert (wide.places[0].start_line, wide.places[0].end_line) == (500, 699)
    assert wide.truncated
    end = await one(shop, "read", path="long.txt", start=990, end=1005)
    assert (end.places[0].end_line, end.truncated) == (1000, False)
    beyond = await one(shop, "read", path="long.txt", start=1001, end=1002)
    assert beyond.problem == "the file has 1000 lines"


@pytest.mark.parametrize(
    ("path", "side", "said"),
    [
        ("shop.py", Side.RIGHT, "not found; files of that name: app/shop.py"),
        ("app/none.py", Side.RIGHT, "not found"),
        ("app", Side.RIGHT, "a folder: `list` shows what it holds"),
        ("app/gone.py", Side.RIGHT, "`side` `old` has it"),
        ("app/price.py", Side.LEFT, "`side` `new` has it"),
        ("logo.png", Side.RIGHT, "a binary file"),
        ("private/key.py", Side.RIGHT, "excluded by the repository's configuration"),
        ("key.py", Side.RIGHT, "not found"),
    ],
)
async def test_says_why_there_is_nothing_to_read(
    shop: ClonedSource, path: str, side: Side, said: str
) -> None:
    result = await one(shop, "read", path=path, side=side)
    assert said in result.problem
    assert (result.text, result.places) == ("", ())
    assert "private" not in result.problem


async def test_finds_uses_under_their_definitions_code_before_tests(shop: ClonedSource) -> None:
    result = await one(shop, "uses", symbol="total", path="app/shop.py")
    assert result.text.splitlines() == [
        "app/shop.py",
        "4 |def total(cart):",
        "app/web.py",
        "1 |from app.shop import total",
        "5 |    def get(self):",
        "6 |        return total(self.cart)",
        "tests/test_shop.py",
        "1 |from app.shop import total",
        "4 |def test_total():",
        "5 |    assert total([]) == 0",
    ]
    assert result.problem == "5 lines in 3 files"
    assert [(p.path, p.start_line) for p in result.places][:2] == [
        ("app/shop.py", 4), ("app/web.py", 1),
    ]  # fmt: skip


async def test_finds_definitions_in_the_language_of_where_the_name_was_seen(
    shop: ClonedSource,
) -> None:
    python = await one(shop, "definition", symbol="shop.total()", path="app/web.py")
    assert python.text.splitlines()[0] == "app/shop.py, lines 4 to 5"
    assert python.places[0].description == "definition of `total`"
    script = await one(shop, "definition", symbol="total", path="web/cart.ts")
    assert script.text.splitlines() == [
        "web/cart.ts, lines 2 to 4", "2 |export const total = (c: Cart) => {",
        "3 |  return c.total;", "4 |};",
    ]  # fmt: skip
    interface = await one(shop, "definition", symbol="Cart")
    assert interface.places[0].path == "web/cart.ts"
    constant = await one(shop, "definition", symbol="RATE", path="app/price.py")
    assert (constant.places[0].start_line, constant.places[0].end_line) == (1, 3)
    unknown = await one(shop, "definition", symbol="nothing_of_it", path="app/price.py")
    assert unknown.problem == "not found in 4 files"


async def test_searches_text_and_expressions_in_a_glob(shop: ClonedSource) -> None:
    text = await one(shop, "search", pattern="total", glob="**/*.md")
    assert text.text.splitlines() == ["docs/guide.md", "1 |Call total to get it."]
    expression = await one(shop, "search", pattern=r"/return \w+\(self\.cart\)/")
    assert expression.text.splitlines() == ["app/web.py", "6 |        return total(self.cart)"]
    everywhere = await one(shop, "search", pattern="total")
    paths = {place.path for place in everywhere.places}
    assert {"web/cart.ts", "docs/guide.md"} <= paths
    assert not {"private/key.py", "data.bin"} & paths
    either = await one(shop, "search", pattern="total", glob="**/*.{md,ts}")
    assert {place.path for place in either.places} == {"web/cart.ts", "docs/guide.md"}
    none = await one(shop, "search", pattern="total", glob="*.rs")
    assert none.problem == "no file that may be searched matches `glob`"


async def test_lists_a_folder_without_what_is_excluded(shop: ClonedSource) -> None:
    root = await one(shop, "list", path="")
    assert "app/ (3 files)" in root.text.splitlines()
    assert "private" not in root.text
    app = await one(shop, "list", path="app/")
    assert app.text.splitlines()[1:] == ["price.py", "shop.py", "web.py"]
    assert (await one(shop, "list", path="private")).problem.startswith("not found")
    assert (await one(shop, "list", path="long.txt")).problem == (
        "a file, not a folder: `read` shows it"
    )


async def test_who_asks_nothing_clones_nothing(
    repository: Repository, settings: Settings, scratch: Path
) -> None:
    source = repository.change(BEFORE, AFTER)
    async with _opened(source, settings, RepoConfig(), scan_of()) as opened:
        assert os.listdir(scratch) == []
        await one(opened, "list")
        assert len(os.listdir(scratch)) == 1
    assert os.listdir(scratch) == []


async def test_a_repository_that_cannot_be_had_is_a_sentence(settings: Settings) -> None:
    source = Source("file:///nowhere/at/all", "", "0" * 40, "1" * 40, 1)
    async with _opened(source, settings, RepoConfig(), scan_of()) as opened:
        result = await one(opened, "read", path="a.py")
    assert result.problem.startswith("not looked up: Git could not copy the commits")


# What a hostile change may make a model ask.


@pytest.mark.variations(14)
@pytest.mark.parametrize("operation", ["read", "list", "search", "uses", "definition"])
@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../../etc/passwd", "app/../../x", "~/.ssh/id_rsa", "-la", "--output=/tmp/x",
        "C:\\Users", "\\\\host\\share", "a\0b", "a\nb", "x" * 5000, "\u202eapp",
    ],
)  # fmt: skip
async def test_paths_out_of_the_repository_are_refused(
    shop: ClonedSource, operation: str, path: str
) -> None:
    result = await one(
        shop, operation, path=path, glob=path if operation == "search" else "", symbol="total",
        pattern="total",
    )  # fmt: skip
    assert result.problem in (
        "outside the repository: paths are relative to its root", "no path in a repository",
    )  # fmt: skip
    assert result.text == ""


@pytest.mark.parametrize(
    "symbol", ["", " ", "-rf", "a b", "$(id)", "x" * 500, "a\nb", "`id`", "()"]
)
async def test_symbols_are_names(shop: ClonedSource, symbol: str) -> None:
    result = await one(shop, "uses", symbol=symbol)
    assert result.problem
    assert result.text == ""


async def test_a_thousand_wishes_are_bounded(shop: ClonedSource) -> None:
    wishes = [LookUp(operation=Operation.READ, path="long.txt", start=n) for n in range(1, 1001)]
    results = await shop.answer(wishes)
    assert [result.look_up for result in results] == wishes
    assert sum(bool(result.text) for result in results) == MAX_LOOK_UPS
    assert results[-1].problem == f"not looked up: at most {MAX_LOOK_UPS} are possible at a time"


SLOW = (
    r"/(a|aa)+$/", r"/(a*)*b/", r"/^(([a-z])+.)+[A-Z]([a-z])+$/", r"/(.*)(.*)(.*)(.*)(.*)(.*)x$/",
    r"/(a?){200}a{200}/", r"/(x+x+)+y/", r"/.*.*=.*;.*=.*/",
)  # fmt: skip


@pytest.mark.variations(3)
@pytest.mark.parametrize("pattern", SLOW)
async def test_no_expression_is_slow_for_long(
    repository: Repository, settings: Settings, pattern: str
) -> None:
    long = "".join(f"{'a' * 900}{'x' * 900}{n}\n" for n in range(100))
    source = repository.change({"a.py": "1\n"}, {f"m{n}.py": long for n in range(30)})
    async with _opened(source, settings, RepoConfig(), scan_of()) as opened:
        await one(opened, "list")
        start = time.monotonic()
        await one(opened, "search", pattern=pattern)
        assert time.monotonic() - start < 12


async def test_a_look_up_is_cancelled_at_once(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "".join(f"{'a' * 900}{'x' * 900}{n}\n" for n in range(100))
    source = repository.change({"a.py": "1\n"}, {f"m{n}.py": long for n in range(30)})
    async with _opened(source, settings, RepoConfig(), scan_of()) as opened:
        await one(opened, "list")
        task = asyncio.create_task(one(opened, "search", pattern=r"/(.*)(.*)(.*)(.*)x$/"))
        await asyncio.sleep(0.3)
        start = time.monotonic()
        task.cancel()
        await asyncio.wait({task})
        assert time.monotonic() - start < 2


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A server that takes what is asked and never answers; its address, and whether it was."""
    asked, over = asyncio.Event(), asyncio.Event()

    async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.git", asked
    finally:
        over.set()
        server.close()


def _gits_in(folder: Path) -> list[str]:
    """Commands of the processes whose git directory is below `folder`."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"GIT_DIR={folder}".encode() in environment.read_bytes():
                found.append((environment.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@asynccontextmanager
async def _waiting_for_blobs(
    repository: Repository, settings: Settings, scratch: Path
) -> AsyncIterator[tuple[ClonedSource, asyncio.Event]]:
    """A clone whose server is silent from now on, and whether it was asked again."""
    source = repository.change({"a.py": "1\n"}, {"b.py": "total = 1\n"})
    async with (
        silent_server() as (url, asked),
        code_source(
            source, settings, RepoConfig(), scan_of(), protocols=("file", "http")
        ) as opened,
    ):
        await one(opened, "list")
        (name,) = os.listdir(scratch)
        config = scratch / name / "config"
        config.write_text(config.read_text().replace(source.url, url))
        yield opened, asked


async def test_a_fetch_for_a_look_up_is_cancelled_and_its_processes_end(
    repository: Repository, settings: Settings, scratch: Path
) -> None:
    async with _waiting_for_blobs(repository, settings, scratch) as (opened, asked):
        task = asyncio.create_task(one(opened, "read", path="b.py"))
        await asyncio.wait_for(asked.wait(), 10)
        assert _gits_in(scratch)
        start = time.monotonic()
        task.cancel()
        await asyncio.wait({task})
        assert time.monotonic() - start < 2
        assert task.cancelled()
        assert not _gits_in(scratch)


async def test_a_server_that_falls_silent_costs_one_look_up_and_then_all_that_are_left(
    repository: Repository, settings: Settings, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.repository.look_ups._SECONDS", 0.5)
    monkeypatch.setattr("workers.repository.look_ups._SECONDS_IN_ALL", 0.8)
    async with _waiting_for_blobs(repository, settings, scratch) as (opened, _):
        wishes = [LookUp(operation=Operation.READ, path="b.py", start=n) for n in range(1, 9)]
        start = time.monotonic()
        results = await opened.answer(wishes)
        assert time.monotonic() - start < 3
    assert results[0].problem == "not looked up: it took longer than 0.5 seconds"
    assert {each.problem for each in results[1:]} == {
        "not looked up: the look-ups before it took too long"
    }


ARROWS: Files = {
    "web/order.ts": (
        "export const place = async ({\n  cart,\n  user,\n}: Options): Promise<Order> => {\n"
        "  const sum = total(cart);\n  return { sum, user };\n};\n\n"
        "export const List = memo((p: P) => {\n  return p.a;\n});\n\n"
        "class Shop {\n  private refund = async (\n    order: Order,\n  ) => {\n"
        "    return order;\n  };\n}\n\n"
        "export const RATES = {\n  a: 1,\n  b: {\n    c: 2,\n  },\n};\n"
    ),
    "web/old.js": "exports.charge = function (\n  a,\n) {\n  return a;\n};\n",
    "app/keys.py": "key = lambda item: (\n    item.a,\n    item.b,\n)\n",
    "app/hook.go": "package app\n\nvar Hook = func(\n\ta int,\n) int {\n\treturn a\n}\n",
    "app/Fun.java": "class Fun {\n  Call twice = (\n    a\n  ) -> {\n    return a;\n  };\n}\n",
}


@pytest.mark.parametrize(
    ("symbol", "path", "lines"),
    [
        ("place", "web/order.ts", (1, 7)),
        ("List", "web/order.ts", (9, 11)),
        ("refund", "web/order.ts", (14, 18)),
        ("RATES", "web/order.ts", (21, 26)),
        ("charge", "web/old.js", (1, 5)),
        ("key", "app/keys.py", (1, 4)),
        ("Hook", "app/hook.go", (3, 7)),
        ("twice", "app/Fun.java", (2, 6)),
    ],
)
async def test_a_definition_by_assignment_has_its_body(
    repository: Repository, settings: Settings, symbol: str, path: str, lines: tuple[int, int]
) -> None:
    source = repository.change({"a.py": "1\n"}, ARROWS)
    async with _opened(source, settings, RepoConfig(), scan_of()) as opened:
        result = await one(opened, "definition", symbol=symbol, path=path)
    assert [(p.path, p.start_line, p.end_line) for p in result.places] == [(path, *lines)]


async def test_known_secrets_are_shown_by_no_look_up(
    repository: Repository, settings: Settings
) -> None:
    secret = SHAPES["github personal"]
    source = repository.change(
        {"old.py": f"token = '{secret}'\n"}, {"new.py": f"token = '{secret}'\nx = 1\n"}
    )
    async with _opened(source, settings, RepoConfig(), scan_of("new.py")) as opened:
        results = [
            await one(opened, "read", path="new.py"),
            await one(opened, "read", path="old.py", side=Side.LEFT),
            await one(opened, "search", pattern="token"),
            await one(opened, "uses", symbol="token"),
            await one(opened, "definition", symbol="token"),
        ]
        guessed = await one(opened, "search", pattern=secret[:8])
        matched = await one(opened, "search", pattern=f"/token = '{secret[:6]}/")
    assert all(secret not in result.text for result in results)
    assert all("[redacted:" in result.text for result in results[:3])
    assert guessed.text == matched.text == ""


async def test_what_only_an_analyzer_knows_as_a_secret_is_masked_everywhere(
    repository: Repository, settings: Settings
) -> None:
    value = "kd83mvnq02"
    before: Files = {"conf.py": "x = 1\n", "other.py": f"x = '{value}'\n"}
    source = repository.change(before, {**before, "conf.py": f"db_password = '{value}'\n"})
    result = await scanned(source, settings)
    assert [line.path for line in result.scan.masked_lines] == ["conf.py"]
    assert value not in result.scan.masked_lines[0].text
    async with _opened(source, settings, RepoConfig(), result.scan) as opened:
        texts = [
            (await one(opened, "read", path="conf.py")).text,
            (await one(opened, "read", path="other.py")).text,
            (await one(opened, "read", path="other.py", side=Side.LEFT)).text,
            (await one(opened, "search", pattern="x = ")).text,
        ]
    assert all(value not in text for text in texts)
    assert "[redacted:secret]" in texts[1]


async def test_hidden_characters_are_escaped(repository: Repository, settings: Settings) -> None:
    source = repository.change({"a.py": "1\n"}, {"b.py": "x = 1  # \u202eevil\u200b\n"})
    async with _opened(source, settings, RepoConfig(), scan_of()) as opened:
        result = await one(opened, "read", path="b.py")
    assert "\\u{202E}evil\\u{200B}" in result.text


async def test_links_and_submodules_are_not_followed(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(
        {"a.py": "1\n"},
        {"link": "/etc/passwd", "sub": "0" * 39 + "1", "b.py": "1\n"},
        {"link": "120000", "sub": "160000"},
    )
    async with _opened(source, settings, RepoConfig(), scan_of()) as opened:
        assert (await one(opened, "read", path="link")).problem == "not found"
        assert (await one(opened, "read", path="sub")).problem == "not found"
