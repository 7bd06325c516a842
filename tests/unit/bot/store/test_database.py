"""Addresses of Redis: what they say, and what is no address."""

from unittest.mock import Mock

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from bot.config.settings import Settings, SettingsError, load
from bot.config.urls import redis_address, sentinel_config
from bot.store import Store, connect, connect_sync, database, keys


def test_a_sentinel_address_names_sentinels_service_database_and_passwords() -> None:
    found = sentinel_config(
        "rediss+sentinel://app:p%40ss@s1:1234,s2/main/3?sentinel_password=w&ssl_ca_certs=/ca.pem"
    )
    assert found is not None
    assert found.sentinels == (("s1", 1234), ("s2", 26379))
    assert found.service == "main"
    tls = {"ssl": True, "ssl_ca_certs": "/ca.pem"}
    assert found.sentinel_options == {**tls, "password": "w"}
    assert found.redis_options == {**tls, "db": 3, "username": "app", "password": "p@ss"}


def test_a_password_without_a_user_is_one_of_the_default_user() -> None:
    found = sentinel_config("redis+sentinel://:secret@[::1]:26379/main")
    assert found is not None
    assert found.sentinels == (("::1", 26379),)
    assert found.redis_options == {"db": 0, "username": None, "password": "secret"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://",
        "redis://h",
        "redis://h/",
        "redis://h?db=2",
        "redis://[::1]:6379/0",
        "rediss://:p@h:6380/1",
        "rediss://:p%2Fq@h/?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=2",
    ],
)
def test_other_addresses_are_left_to_redis_py(url: str) -> None:
    assert redis_address(url) == url
    assert sentinel_config(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://:hunter2secret@host",
        "host:6379",
        "redis+sentinel://:hunter2secret@/main",
        "redis+sentinel://:hunter2secret@host:26379",
        "redis+sentinel://:hunter2secret@host/main/x",
        "redis+sentinel://:hunter2secret@host:port/main",
        "redis+sentinel://:hunter2secret/part@host:1/main",
        "redis+sentinel://:hunter2secret@host:99999/main",
        "redis://:hunter2secret@host:port/0",
        "redis://:hunter2secret@host:99999/0",
        "redis://:hunter2secret/part@host:6379/0",
        "redis://:hunter2secret@host:6379/main",
        "rediss://:hunter2secret@host?db=main",
    ],
)
def test_an_invalid_address_is_reported_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL") as error_info:
        load(_env_file=None, redis_url=url)
    assert "hunter2secret" not in str(error_info.value)
    with pytest.raises(ValidationError):
        Settings(_env_file=None, redis_url=url)


async def test_a_connection_does_not_read_again_which_version_the_client_has(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redis.utils.get_lib_version", Mock(side_effect=AssertionError))
    client, for_threads = connect(redis_url), connect_sync(redis_url)
    assert await client.ping()
    assert for_threads.ping()
    for_threads.close()
    await client.aclose()


@pytest.mark.parametrize(
    ("written", "ours", "then"), [(None, 1, 1), (1, 1, 1), (1, 2, 2), (2, 1, 2)]
)
async def test_the_newest_format_is_noted(
    store: Store,
    redis: "Redis",
    monkeypatch: pytest.MonkeyPatch,
    written: int | None,
    ours: int,
    then: int,
) -> None:
    if written is not None:
        await redis.set(keys.FORMAT, written)
    monkeypatch.setattr(database, "FORMAT", ours)
    await store.claim_format()
    assert int(await redis.get(keys.FORMAT) or 0) == then


@pytest.mark.parametrize(("written", "ours"), [(1, 3), (3, 1)])
async def test_a_format_that_is_not_next_to_ours_is_left_alone(
    store: Store, redis: "Redis", monkeypatch: pytest.MonkeyPatch, written: int, ours: int
) -> None:
    await redis.set(keys.FORMAT, written)
    monkeypatch.setattr(database, "FORMAT", ours)
    with pytest.raises(
        SettingsError, match=f"writes format {ours}, and Redis has format {written}"
    ):
        await store.claim_format()
    assert int(await redis.get(keys.FORMAT) or 0) == written


async def test_a_redis_that_is_down_is_no_reason_not_to_start() -> None:
    redis = connect("redis://127.0.0.1:9")
    await Store(redis, keep_seconds=60).claim_format()
    await redis.aclose()
