"""The clone against real repositories, and against servers that misbehave."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.domain.diff import FileKind, FileStatus
from tests.support.repositories import Repository
from workers.scan.repository.clone import Source, clone
from workers.scan.repository.errors import CloneError

TOKEN = "ghs_averysecrettoken"
SHA = "1" * 40


async def test_brings_both_commits_and_blobs_only_when_asked(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(
        {"a.py": "x = 1\n", "b.py": "y = 1\n"}, {"a.py": "x = 2\n", "b.py": "y = 1\n"}
    )
    async with clone(source, settings, protocols=("file",)) as opened:
        (file,) = await opened.names()
        assert (file.path, file.status) == ("a.py", FileStatus.MODIFIED)
        assert file.old_blob
        assert file.new_blob
        with pytest.raises(CloneError):  # not here yet, and no network to bring it
            await opened.read([file.new_blob])
        await opened.fetch([file.old_blob, file.new_blob])
        assert await opened.read([file.new_blob]) == {file.new_blob: b"x = 2\n"}
        assert await opened.sizes([file.old_blob]) == {file.old_blob: 6}
        (with_hunks,) = await opened.hunks(["a.py"])
        assert [line.text for line in with_hunks.hunks[0].lines] == ["x = 1", "x = 2"]


async def test_fetches_the_head_by_its_sha_after_a_concurrent_push(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change({"a": "1"}, {"a": "2"})
    newer = repository.commit({"a": "3"}, parent=source.head_sha)
    repository.pull(source.merge_base, newer)
    async with clone(source, settings, protocols=("file",)) as opened:
        assert [entry.path for entry in await opened.tree()] == ["a"]
        assert (await opened.names())[0].new_blob == repository.blob(b"2")


async def test_asks_for_the_head_by_its_sha_when_the_pull_request_has_no_ref(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change({"a": "1"}, {"a": "2"})
    repository.git("update-ref", "-d", "refs/pull/7/head")
    async with clone(source, settings, protocols=("file",)) as opened:
        assert len(await opened.names()) == 1


async def test_deletes_the_directory_whatever_happens(
    repository: Repository, settings: Settings, scratch: Path
) -> None:
    source = repository.change({"a": "1"}, {"a": "2"})
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with clone(source, settings, protocols=("file",)):
            assert os.listdir(scratch)
            raise ZeroDivisionError
    assert not os.listdir(scratch)


async def test_a_missing_commit_is_permanent(
    repository: Repository, settings: Settings, scratch: Path
) -> None:
    source = repository.change({"a": "1"}, {"a": "2"})
    disconnected = Source(source.url, "", SHA, source.head_sha, 7)
    with pytest.raises(CloneError, match="git fsck") as caught:
        async with clone(disconnected, settings, protocols=("file",)):
            pass
    assert not caught.value.transient
    assert not os.listdir(scratch)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=touch /tmp/x",
        "http://a/b",
        "git://a/b",
    ],
)
async def test_uses_only_https_unless_the_settings_differ(url: str, settings: Settings) -> None:
    with pytest.raises(CloneError, match="start with https"):
        async with clone(Source(url, "", SHA, SHA, 1), settings):
            pass


@pytest.mark.parametrize("sha", ["--upload-pack=x", "main", "1" * 39, "", "1" * 40 + "\n"])
async def test_names_no_commit_by_anything_but_a_sha(sha: str, settings: Settings) -> None:
    for source in (Source("https://a/b", "", sha, SHA, 1), Source("https://a/b", "", SHA, sha, 1)):
        with pytest.raises(CloneError, match="not a SHA"):
            async with clone(source, settings):
                pass


async def test_refuses_a_repository_that_is_too_large(
    repository: Repository, settings: Settings, scratch: Path
) -> None:
    noise = random.Random(1).randbytes(3 << 20)
    source = repository.change({"a": "1"}, {"a": "2", "b": noise})
    small = settings.model_copy(update={"clone_mb": 1})
    with pytest.raises(CloneError, match="larger than 1 MB") as caught:
        async with clone(source, small, protocols=("file",)) as opened:
            await opened.fetch([repository.blob(noise)])
    assert not caught.value.transient
    assert not os.listdir(scratch)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    started = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{started.sockets[0].getsockname()[1]}"
    finally:
        started.close()


def _git_http(settings: Settings, url: str, **more: object) -> Settings:
    return settings.model_copy(update={"github_url": url, **more})


@pytest.mark.parametrize(
    ("answer", "message", "transient"),
    [
        ("404 Not Found", "no longer in the repository", False),
        ("403 Forbidden", "contents: read", True),
        ("401 Unauthorized", "contents: read", True),
        ("502 Bad Gateway", "could not be fetched", True),
    ],
)
async def test_sends_the_token_as_a_header_and_never_reveals_it(
    answer: str, message: str, transient: bool, settings: Settings
) -> None:
    request_heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request_heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    async with server(serve) as url:
        source = Source(f"{url}/o/r.git", TOKEN, SHA, SHA, 1)
        with pytest.raises(CloneError, match=message) as caught:
            async with clone(source, _git_http(settings, url)):
                pass
    # base64 of x-access-token:ghs_averysecrettoken
    assert (
        b"Authorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hzX2F2ZXJ5c2VjcmV0dG9rZW4=" in request_heads[0]
    )
    assert caught.value.transient is transient
    assert TOKEN not in repr(source)
    assert TOKEN not in str(caught.value)
    assert "/tmp" not in str(caught.value)


async def test_a_server_that_never_answers_is_left_in_time(
    settings: Settings, scratch: Path
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client goes away
        writer.close()

    async with server(serve) as url:
        source = Source(f"{url}/o/r.git", TOKEN, SHA, SHA, 1)
        with pytest.raises(CloneError, match="too long") as caught:
            async with clone(source, _git_http(settings, url, clone_seconds=1)):
                pass
    assert caught.value.transient
    assert not os.listdir(scratch)


async def test_cancelling_kills_git_and_leaves_no_directory(
    settings: Settings, scratch: Path
) -> None:
    connected, disconnected = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        connected.set()
        await reader.read()
        disconnected.set()
        writer.close()

    async with server(serve) as url:

        async def wait_for_ever() -> None:
            async with clone(
                Source(f"{url}/o/r.git", TOKEN, SHA, SHA, 1), _git_http(settings, url)
            ):
                pass

        task = asyncio.create_task(wait_for_ever())
        await asyncio.wait_for(connected.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(disconnected.wait(), 10)
    assert not os.listdir(scratch)


async def test_sees_links_and_submodules_for_what_they_are(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(
        {"a": "1"},
        {"a": "1", "link": "/etc/passwd", "sub": SHA},
        modes={"link": "120000", "sub": "160000"},
    )
    async with clone(source, settings, protocols=("file",)) as opened:
        kinds = {file.path: file.kind for file in await opened.names()}
        assert kinds == {"link": FileKind.SYMLINK, "sub": FileKind.SUBMODULE}
        assert [entry.path for entry in await opened.tree()] == ["a"]
